package http

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/certtest"
)

// client is a client that speaks one version of HTTP, with the address of a front.
type client struct {
	http.Client
	URL string
}

// clients returns a client for each version of HTTP, each with a front that has the handler.
func clients(t *testing.T, handler http.HandlerFunc) map[string]*client {
	return clientsOf(t, Config{}, handler)
}

func clientsOf(t *testing.T, config Config, handler http.HandlerFunc) map[string]*client {
	t.Helper()
	ca := certtest.New(t)
	h2c := new(http.Transport)
	h2c.Protocols = new(http.Protocols)
	h2c.Protocols.SetUnencryptedHTTP2(true)
	config.Handler = handler
	all := map[string]*client{}
	for name, transport := range map[string]*http.Transport{
		"HTTP/1.1":          {},
		"HTTP/1.1 over TLS": {TLSClientConfig: ca.Client("a.example")},
		"h2c":               h2c,
		"HTTP/2":            {TLSClientConfig: ca.Client("a.example"), ForceAttemptHTTP2: true},
	} {
		scheme := "http"
		if config.TLS = nil; transport.TLSClientConfig != nil {
			config.TLS, scheme = secured(t, ca, "a.example"), "https"
		}
		all[name] = &client{http.Client{Transport: transport}, scheme + "://" + serve(t, config)}
		t.Cleanup(transport.CloseIdleConnections)
	}
	return all
}

func TestEarlyHintsReachTheClient(t *testing.T) {
	for name, c := range clients(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload; as=style")
		w.Header().Set("Connection", "X-Mine")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Add("Link", "</more.css>; rel=preload; as=style")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		fmt.Fprint(w, "the page")
	}) {
		var hints []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, len(header["Link"]), header["Connection"]))
			return nil
		}}
		r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", c.URL, nil)
		resp, err := c.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if strings.Join(hints, ";") != "103 1 [];103 2 []" || string(body) != "the page" || resp.StatusCode != 200 || resp.Header.Get("Link") != "" {
			t.Errorf("%s: %q, then %d %q %v", name, hints, resp.StatusCode, body, resp.Header)
		}
	}
}

// P16: values that are invalid in a response are invalid in its hints. A client of HTTP/1.0 would
// mistake hints for the response.
func TestBadHintsAreDropped(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", strings.ReplaceAll(r.URL.RawQuery, "+", "\r\n"))
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
	})})
	for request, want := range map[string]string{
		"GET /?good HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n":       "HTTP/1.1 103 ",
		"GET /?bad+X-Evil HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n": "HTTP/1.1 200 ",
		"GET /?good HTTP/1.0\r\n\r\n":                                       "HTTP/1.0 200 ",
	} {
		if answer := raw(t, addr, request); !strings.HasPrefix(answer, want) || strings.Contains(answer, "X-Evil") {
			t.Errorf("%q is answered with %q", request, answer)
		}
	}
}

func TestTrailersPassBothWays(t *testing.T) {
	for name, c := range clients(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Declared")
		io.Copy(w, r.Body)
		w.Header().Set("X-Declared", r.Trailer.Get("X-Sum"))
		w.Header().Set(http.TrailerPrefix+"X-Undeclared", "too")
	}) {
		r, _ := http.NewRequestWithContext(t.Context(), "POST", c.URL, io.NopCloser(strings.NewReader("body")))
		r.Trailer = http.Header{"X-Sum": {"42"}}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != "body" || resp.Trailer.Get("X-Declared") != "42" || resp.Trailer.Get("X-Undeclared") != "too" {
			t.Errorf("%s: %q with trailers %v", name, body, resp.Trailer)
		}
	}
}

// Expect: 100-continue is answered when, and only when, the app reads the body.
func TestContinueIsSaidWhenTheBodyIsRead(t *testing.T) {
	for name, c := range clients(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			io.Copy(w, r.Body)
			return
		}
		http.Error(w, "no", http.StatusForbidden)
	}) {
		c.Transport.(*http.Transport).ExpectContinueTimeout = 10e9
		for path, want := range map[string]string{"/read": "continue 200 body", "/refuse": "403 no\n"} {
			said := ""
			trace := &httptrace.ClientTrace{Got100Continue: func() { said = "continue " }}
			r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", c.URL+path, strings.NewReader("body"))
			r.Header.Set("Expect", "100-continue")
			resp, err := c.Do(r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if got := fmt.Sprint(said, resp.StatusCode, " ", string(body)); got != want {
				t.Errorf("%s %s: %q, want %q", name, path, got, want)
			}
		}
	}
}
