package static

import (
	"fmt"
	"net/http"
	"strconv"
)

// serve sends the file, or the ranges of it that are asked for, or that nothing has changed.
func (v variant) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", v.contentType())
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("ETag", v.tag())
	if v.varies {
		header.Set("Vary", "Accept-Encoding")
	}
	if v.encoding != "" {
		header.Set("Content-Encoding", v.encoding)
		header.Set("Content-Length", strconv.FormatInt(v.file.Info.Size(), 10)) // ServeContent leaves it out otherwise
	}
	http.ServeContent(w, r, v.name, v.file.Info.ModTime(), v.file)
}

// tag is the file's entity tag: another one when the content may be another, and for each encoding.
func (v variant) tag() string {
	info := v.file.Info
	tag := fmt.Sprintf("%x-%x", info.ModTime().UnixNano(), info.Size())
	if v.encoding != "" {
		tag += "-" + v.encoding
	}
	return strconv.Quote(tag)
}

func (v variant) contentType() string {
	if known := contentType(v.name); known != "" {
		return known
	}
	return v.sniffed
}
