package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

// client sends requests one after the other until the scene ends.
type client struct {
	path    string
	method  string        // "": GET
	body    string        // body of each request
	address string        // its own address; "": any of this machine
	agent   string        // its User-Agent
	rest    time.Duration // pause between two requests
}

// send makes n clients send requests.
func (s *scene) send(n int, c client) {
	for range n {
		s.clients.Go(func() {
			transport := c.transport()
			defer transport.CloseIdleConnections()
			for s.playing.Err() == nil {
				_, _ = c.do(s.playing, transport, s.address) // the host counts the answers
				testbed.Pause(s.playing, c.rest)
			}
		})
	}
}

// ask sends one request, and returns the status of the answer.
func (s *scene) ask(ctx context.Context, c client) (status int, err error) {
	transport := c.transport()
	defer transport.CloseIdleConnections()
	return c.do(ctx, transport, s.address)
}

func (c client) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if c.address != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(c.address)}
	}
	return &http.Transport{DialContext: dialer.DialContext}
}

func (c client) do(ctx context.Context, transport *http.Transport, address string) (int, error) {
	method := c.method
	if method == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+address+c.path, strings.NewReader(c.body))
	if err != nil {
		return 0, err
	}
	if c.agent != "" {
		r.Header.Set("User-Agent", c.agent)
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// readSlowly makes n clients read whole responses slowly, again and again.
func (s *scene) readSlowly(n int) {
	for range n {
		s.clients.Go(func() {
			for s.playing.Err() == nil {
				_ = s.readOne() // the host counts the answers
				testbed.Pause(s.playing, 10*time.Millisecond)
			}
		})
	}
}

// readOne reads one response in pieces, with a rest after each.
func (s *scene) readOne() error {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(s.playing, func() { conn.Close() })()
	if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	piece := make([]byte, 512<<10)
	for {
		if _, err := io.ReadFull(conn, piece); err != nil {
			return err
		}
		testbed.Pause(s.playing, 150*time.Millisecond)
	}
}
