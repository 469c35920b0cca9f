package http

import (
	"net/http"

	"github.com/modgw/modgw/modgw"
)

// verdict is why what a client sends is refused; accepted is why it is not.
type verdict string

const (
	accepted verdict = ""

	badRequestLine   verdict = "its first line is not a method, a target and a version with one space between"
	controlInTarget  verdict = "there is a control character in its target"
	bareLineFeed     verdict = "there is a line feed without a carriage return"
	bareReturn       verdict = "there is a carriage return without a line feed"
	foldedField      verdict = "a header is continued on the next line"
	badFieldName     verdict = "there is a header whose name is not a token"
	spaceBeforeColon verdict = "there is white space between a header's name and its colon"
	controlInValue   verdict = "there is a control character in a header's value"
	noHost           verdict = "it has no Host"
	twoHosts         verdict = "it has more than one Host"
	twoLengths       verdict = "it has more than one Content-Length"
	badLength        verdict = "its Content-Length is not one number"
	badCoding        verdict = "its Transfer-Encoding is not chunked, once"
	oldCoding        verdict = "it has a Transfer-Encoding in HTTP/1.0"
	badExpect        verdict = "it expects something else than 100-continue"
	lengthAndCoding  verdict = "it has both Content-Length and Transfer-Encoding"
	badChunkSize     verdict = "a chunk's size is not a hexadecimal number"
	badChunkEnd      verdict = "a chunk does not end where its size says"
	longExtensions   verdict = "its chunks have too long extensions"
	longTrailers     verdict = "its trailers are too long"
	badTrailer       verdict = "it has a trailer that belongs into its head"
	badPreface       verdict = "it begins like HTTP/2 and goes on otherwise"
	otherVersion     verdict = "its version is not HTTP/1"
	longTarget       verdict = "its target is longer than heads of requests may be"
	longHead         verdict = "its head is longer than heads of requests may be"
	manyFields       verdict = "it has more headers than requests may have"
	slowHead         verdict = "its head did not come in time"
)

// status is that of the answer to a request with the verdict.
func (v verdict) status() int {
	switch v {
	case badExpect:
		return http.StatusExpectationFailed
	case otherVersion:
		return http.StatusHTTPVersionNotSupported
	case longTarget:
		return http.StatusRequestURITooLong
	case longHead, manyFields:
		return http.StatusRequestHeaderFieldsTooLarge
	case slowHead:
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}

// fault is the verdict as an error that an administrator can look up.
func (v verdict) fault() *modgw.Fault {
	return &modgw.Fault{Code: "MGW-REQ-012", Summary: "cannot read the request as HTTP/1: " + string(v)}
}
