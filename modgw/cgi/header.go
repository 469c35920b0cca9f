package cgi

import (
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// setHeader takes the variable HTTP_<name>.
func (b *Builder) setHeader(name, value string) error {
	switch name {
	case "", "PROXY", "CONTENT_LENGTH", "CONTENT_TYPE", "EXPECT":
		// Proxy: would become HTTP_PROXY, which programs take for their own proxy setting
		// (CVE-2016-5385). Length and type have variables of their own, which the web server
		// checked. Expect: the web server has answered it already.
		return nil
	}
	if at := invalidValueByte(value); at >= 0 {
		return badVariable("HTTP_"+name, "it contains a control character")
	}
	switch name {
	case "HOST":
		b.host = value
	case "TRANSFER_ENCODING":
		b.transferEncoding = value // the body comes without it
	case "COOKIE":
		if b.cookieRaw != "" {
			value = b.cookieRaw + "; " + value
		}
		b.cookieRaw = value
	default:
		if key := headerKey(name); key != "" {
			b.join(key, value)
		}
	}
	return nil
}

func (b *Builder) setContentType(value string) error {
	if invalidValueByte(value) >= 0 {
		return badVariable("CONTENT_TYPE", "it contains a control character")
	}
	if value != "" {
		b.put("Content-Type", value)
	}
	return nil
}

// join adds a line to a header: nginx before 1.23 and HAProxy send a variable for each line that
// the client sent.
func (b *Builder) join(key, value string) {
	if before := b.header[key]; before != nil {
		value = before[0] + ", " + value
	}
	b.put(key, value)
}

func (b *Builder) put(key, value string) {
	if b.header == nil {
		b.header = make(http.Header, 16)
	}
	b.values = append(b.values, value)
	n := len(b.values)
	b.header[key] = b.values[n-1 : n : n]
}

// headerKey returns the canonical header name for the part of a variable's name after HTTP_, or ""
// if that is no header name. A "-" cannot be told from a "_" in the client's request any more: a
// server that accepts such headers (lighttpd does) must be configured not to.
func headerKey(name string) string {
	if key, ok := wellKnown[name]; ok {
		return key
	}
	if !httpguts.ValidHeaderFieldName(name) {
		return ""
	}
	return textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
}

// wellKnown spares the most frequent headers the conversion.
var wellKnown = func() map[string]string {
	known := make(map[string]string)
	for _, key := range []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Access-Control-Request-Headers",
		"Access-Control-Request-Method", "Authorization", "Cache-Control", "Connection", "Cookie", "Dnt", "Forwarded",
		"From", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Keep-Alive",
		"Origin", "Pragma", "Priority", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform",
		"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc", "Te", "Traceparent",
		"Tracestate", "Upgrade", "Upgrade-Insecure-Requests", "User-Agent", "Via", "X-Csrftoken", "X-Forwarded-For",
		"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Real-Ip", "X-Request-Id",
		"X-Request-Start", "X-Requested-With",
	} {
		known[strings.ToUpper(strings.ReplaceAll(key, "-", "_"))] = key
	}
	return known
}()

// invalidValueByte returns the index of the first control character in a header value, or -1 if
// there is none. A tab does not count.
func invalidValueByte(value string) int {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return i
		}
	}
	return -1
}
