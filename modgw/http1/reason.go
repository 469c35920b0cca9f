package http1

import "net/http"

// Reason is why a request is refused. It completes the sentence "cannot read the request: …".
type Reason string

// The reasons.
const (
	BadRequestLine   Reason = "its first line is not a method, a target and a version with one space between"
	ControlInTarget  Reason = "there is a control character in its target"
	BareLineFeed     Reason = "there is a line feed without a carriage return"
	BareReturn       Reason = "there is a carriage return without a line feed"
	FoldedField      Reason = "a header is continued on the next line"
	BadFieldName     Reason = "there is a header whose name is not a token"
	SpaceBeforeColon Reason = "there is white space between a header's name and its colon"
	ControlInValue   Reason = "there is a control character in a header's value"
	NoHost           Reason = "it has no Host"
	TwoHosts         Reason = "it has more than one Host"
	TwoLengths       Reason = "it has more than one Content-Length"
	BadLength        Reason = "its Content-Length is not one number"
	BadCoding        Reason = "its Transfer-Encoding is not chunked, once"
	OldCoding        Reason = "it has a Transfer-Encoding in HTTP/1.0"
	BadExpectation   Reason = "it expects something else than 100-continue"
	LengthAndCoding  Reason = "it has both Content-Length and Transfer-Encoding"
	BadChunkSize     Reason = "a chunk's size is not a hexadecimal number"
	BadChunkEnd      Reason = "a chunk does not end where its size says"
	LongExtensions   Reason = "its chunks have too long extensions"
	LongTrailers     Reason = "its trailers are too long"
	BadTrailer       Reason = "it has a trailer that belongs into its head"
	BadPreface       Reason = "it begins like HTTP/2 and goes on otherwise"
	OtherVersion     Reason = "its version is not HTTP/1"
	LongTarget       Reason = "its target is longer than heads of requests may be"
	LongHead         Reason = "its head is longer than heads of requests may be"
	ManyFields       Reason = "it has more headers than requests may have"
	SlowHead         Reason = "its head did not come in time"
)

// Error returns the reason.
func (r Reason) Error() string { return string(r) }

// Status returns the status with which a request is refused for the reason.
func (r Reason) Status() int {
	switch r {
	case BadExpectation:
		return http.StatusExpectationFailed
	case OtherVersion:
		return http.StatusHTTPVersionNotSupported
	case LongTarget:
		return http.StatusRequestURITooLong
	case LongHead, ManyFields:
		return http.StatusRequestHeaderFieldsTooLarge
	case SlowHead:
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}
