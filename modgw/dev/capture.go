package dev

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"sync"
)

// captureLimit is the number of bytes of a request's body that are kept to show its form fields.
const captureLimit = 64 << 10

// body is the body of a form, whose beginning is kept.
type body struct {
	io.ReadCloser
	kind    string
	options map[string]string

	mu   sync.Mutex
	kept []byte
}

// captureBody keeps a copy of the part of a form that the app reads. It returns nil if the body is
// not a form.
func captureBody(r *http.Request) *body {
	kind, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || r.Body == nil || kind != "application/x-www-form-urlencoded" && kind != "multipart/form-data" {
		return nil
	}
	b := &body{ReadCloser: r.Body, kind: kind, options: options}
	r.Body = b
	return b
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, p[:min(n, captureLimit-len(b.kept))]...)
	return n, err
}

// fields returns the names and values of the form, as far as they were kept.
func (b *body) fields() url.Values {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kind == "application/x-www-form-urlencoded" {
		// Incomplete and malformed fields are left out; the others are useful.
		found, _ := url.ParseQuery(string(b.kept))
		return found
	}
	found := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(b.kept), b.options["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return found
		}
		if name := part.FileName(); name != "" {
			found.Add(part.FormName(), "(file "+name+")")
			continue
		}
		value, _ := io.ReadAll(part)
		found.Add(part.FormName(), string(value))
	}
}
