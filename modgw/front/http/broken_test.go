package http

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"testing"
)

// F3: data that a handler wrote before its response broke off is sent, and the break is visible, in
// every version.
func TestF3WhatWasWrittenBeforeTheBreakArrives(t *testing.T) {
	for _, size := range []int{1, 4096, 100_000} {
		piece := bytes.Repeat([]byte("x"), size)
		breaks := map[string]http.HandlerFunc{
			"panics": func(w http.ResponseWriter, r *http.Request) { w.Write(piece); panic(http.ErrAbortHandler) },
			"panics after some pieces": func(w http.ResponseWriter, r *http.Request) {
				for half := piece; len(half) > 0; {
					n, _ := w.Write(half[:min(len(half), 1000)])
					half = half[n:]
				}
				panic("it has failed")
			},
			"is one byte short": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(size+1))
				w.Write(piece)
			},
			"panics short of its length": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(size+1))
				w.Write(piece)
				panic(http.ErrAbortHandler)
			},
			"fails with a body unread": func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(200)
				w.Write(piece)
				panic(http.ErrAbortHandler)
			},
		}
		for name, handler := range breaks {
			for version, c := range clients(t, handler) {
				for range 5 {
					resp, err := c.Post(c.URL, "text/plain", bytes.NewReader(piece))
					if err != nil {
						t.Errorf("%s, %d bytes by a handler that %s: there is no response: %v", version, size, name, err)
						continue
					}
					body, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err == nil || resp.StatusCode != 200 || len(body) != size {
						t.Errorf("%s, %d bytes by a handler that %s: %d, %d bytes, then %v", version, size, name, resp.StatusCode, len(body), err)
					}
				}
			}
		}
	}
}
