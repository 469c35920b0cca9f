package webfiles

import (
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// send sends the file, the requested ranges of it, or 304 if it has not changed.
func (s *Site) send(w http.ResponseWriter, r *http.Request, v variant) {
	header := w.Header()
	header.Set("Content-Type", s.contentType(v))
	if s.Cache != "" {
		header.Set("Cache-Control", s.Cache)
	}
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("ETag", v.tag())
	if v.varies {
		header.Set("Vary", "Accept-Encoding")
	}
	if v.encoding != "" {
		header.Set("Content-Encoding", v.encoding)
		// ServeContent leaves it out otherwise.
		header.Set("Content-Length", strconv.FormatInt(v.file.Info.Size(), 10))
	}
	http.ServeContent(w, r, v.name, v.file.Info.ModTime(), v.file)
}

// tag returns the file's entity tag. It differs if the content may differ, and for each encoding.
func (v variant) tag() string {
	info := v.file.Info
	tag := fmt.Sprintf("%x-%x", info.ModTime().UnixNano(), info.Size())
	if v.encoding != "" {
		tag += "-" + v.encoding
	}
	return strconv.Quote(tag)
}

func (s *Site) contentType(v variant) string {
	if own := s.Types[strings.ToLower(path.Ext(v.name))]; own != "" {
		return own
	}
	if known := contentType(v.name); known != "" {
		return known
	}
	return v.sniffed
}
