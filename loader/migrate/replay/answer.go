package replay

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// longestBody is the number of bytes of a body that are compared by tokens. The rest of a
	// longer body is compared by its hash.
	longestBody = 1 << 20
	// longestAnswer is the number of bytes of a body that are read.
	longestAnswer = 256 << 20
	userAgent     = "Mozilla/5.0 (compatible; modgw-host)"
)

// Server is one of the two that are asked.
type Server struct {
	// URL is the address of the server: scheme, host and port. The path is not used.
	URL *url.URL

	// Header is sent with each request, in addition to Host and User-Agent. nil: none.
	Header http.Header

	// Timeout is for each request as a whole. 0: a minute.
	Timeout time.Duration
}

// Answer is the answer of a server.
type Answer struct {
	Status int // HTTP status; 0: there is no answer
	Header http.Header
	Body   []byte   // the first [longestBody] bytes
	Length int64    // bytes of the whole body
	Sum    [32]byte // hash of the whole body
	Err    error    // why there is no answer; nil: there is one
}

// Ask sends a request on a connection of its own. Redirects are not followed.
func (s *Server) Ask(ctx context.Context, r Request) Answer {
	timeout := s.Timeout
	if timeout == 0 {
		timeout = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := s.ask(ctx, r)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("no answer within %s: %w", timeout, err)
	}
	answer.Err = err
	return answer
}

func (s *Server) ask(ctx context.Context, r Request) (a Answer, err error) {
	conn, err := s.dial(ctx, r.Host)
	if err != nil {
		return a, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := io.WriteString(conn, s.head(r)); err != nil {
		return a, err
	}
	response, err := s.response(bufio.NewReader(conn), r)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	a.Status, a.Header = response.StatusCode, response.Header
	sum := sha256.New()
	whole := io.TeeReader(io.LimitReader(response.Body, longestAnswer), sum)
	if a.Body, err = io.ReadAll(io.LimitReader(whole, longestBody)); err != nil {
		return a, fmt.Errorf("the body ends early: %w", err)
	}
	rest, err := io.Copy(io.Discard, whole)
	if err != nil {
		return a, fmt.Errorf("the body ends early: %w", err)
	}
	a.Length = int64(len(a.Body)) + rest
	sum.Sum(a.Sum[:0])
	return a, nil
}

// response reads the head of the answer, after those that only announce it.
func (s *Server) response(from *bufio.Reader, r Request) (*http.Response, error) {
	for range 10 {
		response, err := http.ReadResponse(from, &http.Request{Method: r.Method})
		if err != nil {
			return nil, err
		}
		if response.StatusCode >= 200 {
			return response, nil
		}
	}
	return nil, errors.New("only interim responses")
}

// dial connects. The certificate is not verified: an old server that listens on loopback has that
// of its public name, or one that is out of date.
func (s *Server) dial(ctx context.Context, host string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address())
	if err != nil || s.URL.Scheme != "https" {
		return conn, err
	}
	name := withoutPort(s.hostOf(Request{Host: host}))
	secure := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

func (s *Server) address() string {
	if s.URL.Port() != "" {
		return s.URL.Host
	}
	port := "80"
	if s.URL.Scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(s.URL.Hostname(), port)
}

func (s *Server) hostOf(r Request) string {
	if r.Host != "" {
		return r.Host
	}
	return s.URL.Host
}

func (s *Server) head(r Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, r.Target, s.hostOf(r))
	header := s.Header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	if header.Get("User-Agent") == "" {
		header.Set("User-Agent", userAgent)
	}
	if header.Get("Accept") == "" {
		header.Set("Accept", "*/*")
	}
	header.Set("Connection", "close")
	_ = header.Write(&b) // a strings.Builder takes everything
	b.WriteString("\r\n")
	return b.String()
}
