package modgw

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/files"
)

// Sendfile is a folder whose files an app may let the host send in place of a response of its own:
// X-Sendfile names one by its path, X-Accel-Redirect by its URL.
type Sendfile struct {
	Path  string // URL path of X-Accel-Redirect, which no client can ask for: "/protected"
	Dir   string // absolute
	Front bool   // the web server in front sends the file if it knows the header
}

// The headers by which an app names a file.
const (
	sendfileHeader = "X-Sendfile"
	accelHeader    = "X-Accel-Redirect"
)

// sendfile is a response that may be replaced by a file. The file is sent when the app has
// returned, so that it waits for no slow client; until then its output is dropped.
type sendfile struct {
	http.ResponseWriter
	request    *http.Request
	info       *RequestInfo
	generation *Generation
	failing    *failing // failed requests of the app

	begun bool   // the app's head is final
	named string // the header that named a file; "": none did
	value string // value of that header
}

// Unwrap is for [http.ResponseController].
func (w *sendfile) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader takes notice of a file that the header names.
func (w *sendfile) WriteHeader(status int) {
	if status >= 200 {
		w.begin(status)
	}
	if w.named == "" {
		w.ResponseWriter.WriteHeader(status)
	}
}

// begin looks for a file in the header, once. Only a response with status 200 can name one.
func (w *sendfile) begin(status int) {
	if w.begun {
		return
	}
	w.begun = true
	w.failing.note(status, w.request, w.info, time.Now)
	header := w.Header()
	for _, name := range [...]string{sendfileHeader, accelHeader} {
		values := header[name]
		if len(values) == 0 || w.leftToFront(name, values[0]) {
			continue
		}
		delete(header, name)
		if status == http.StatusOK && w.named == "" {
			w.named, w.value = name, values[0]
		}
	}
}

// Write sends p, unless a file takes its place.
func (w *sendfile) Write(p []byte) (int, error) {
	if w.begin(http.StatusOK); w.named != "" {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// WriteBriefly implements [BriefWriter].
func (w *sendfile) WriteBriefly(p []byte, d time.Duration) (int, error) {
	if w.begin(http.StatusOK); w.named != "" {
		return len(p), nil
	}
	return writeBriefly(w.ResponseWriter, p, d)
}

// ReadFrom sends all of src, unless a file takes its place.
func (w *sendfile) ReadFrom(src io.Reader) (int64, error) {
	if w.begin(http.StatusOK); w.named != "" {
		return io.Copy(io.Discard, src)
	}
	return io.Copy(w.ResponseWriter, src)
}

// Flush is FlushError for callers that only know [http.Flusher].
func (w *sendfile) Flush() { _ = w.FlushError() }

// Hijack hands the connection over, where it can be.
func (w *sendfile) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// FlushError sends the bytes written so far, unless a file replaces them.
func (w *sendfile) FlushError() error {
	if w.begin(http.StatusOK); w.named != "" {
		return nil
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// leftToFront reports whether the web server in front sends the file that a header names: the
// descriptor allows it, and the server supports the header. Any other would pass it on to the
// client.
func (w *sendfile) leftToFront(name, value string) bool {
	software := w.info.ServerSoftware
	switch {
	case name == accelHeader && !strings.HasPrefix(software, "nginx/"),
		name == sendfileHeader && !strings.HasPrefix(software, "Apache") && !strings.HasPrefix(software, "lighttpd/"):
		return false
	}
	for _, s := range w.generation.Descriptor.Sendfiles {
		if _, ok := s.name(name, value, w.generation.Descriptor.Root); ok {
			return s.Front
		}
	}
	return false
}

// end sends the file that the app has named.
func (w *sendfile) end() {
	if w.begin(http.StatusOK); w.named == "" {
		return
	}
	file, fault := w.open()
	if fault != nil {
		status := http.StatusInternalServerError
		if errors.Is(fault.Err, fs.ErrNotExist) {
			status = http.StatusNotFound
		}
		w.info.warn(fault)
		clear(w.Header())
		w.failing.note(status, w.request, w.info, time.Now)
		ServeFault(w.ResponseWriter, w.request, status, fault, w.info.gateway.config.Dev)
		return
	}
	defer file.Close()
	header := w.Header()
	// These describe the app's own body, which is dropped, and not the file.
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Range", "Last-Modified"} {
		delete(header, name)
	}
	header.Set("ETag", strconv.Quote(fmt.Sprintf("%x-%x", file.Info.ModTime().UnixNano(), file.Info.Size())))
	http.ServeContent(w.ResponseWriter, w.request, file.Info.Name(), file.Info.ModTime(), file)
}

// open opens the file with the rights of the app's user, if the descriptor lets the app send it.
func (w *sendfile) open() (*files.File, *Fault) {
	d := w.generation.Descriptor
	var missing error
	for _, s := range d.Sendfiles {
		name, ok := s.name(w.named, w.value, d.Root)
		if !ok || !files.Public(name) {
			continue
		}
		file, err := d.Folder(s.Dir, w.generation.user).Open(name)
		if err == nil {
			return file, nil
		}
		missing = err
	}
	fault := &Fault{
		Code:    "MGW-REQ-107",
		Summary: fmt.Sprintf("cannot send the file that %s names, %q", w.named, w.value),
		Err:     missing,
		Hint:    `name its folder in the descriptor: sendfile "/protected" { dir = "private" }; hidden files are never sent`,
	}
	if missing != nil {
		fault.Hint = "it must be a regular file that the app's user may read, and no link out of the folder"
	}
	return nil, fault
}

// name is the name below the folder that a header means; ok is false when it means none there.
func (s Sendfile) name(header, value, root string) (name string, ok bool) {
	if header == accelHeader {
		u, err := url.ParseRequestURI(value)
		if err != nil || u.Host != "" {
			return "", false
		}
		return strings.CutPrefix(u.Path, s.Path+"/")
	}
	if !filepath.IsAbs(value) {
		value = filepath.Join(root, value)
	}
	return strings.CutPrefix(filepath.Clean(value), strings.TrimSuffix(s.Dir, "/")+"/")
}
