package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// load sends requests at a rate. Neither its client nor a web server may repeat them.
type load struct {
	name, url string

	mu      sync.Mutex
	sent    int
	lost    int
	first   string // the answer to the first request that was lost
	longest time.Duration
}

// run sends requests until ctx is done, and returns when all answers have arrived.
func (l *load) run(ctx context.Context, rate int) {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	client := &http.Client{Timeout: time.Minute, Transport: transport}
	defer transport.CloseIdleConnections()
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	var asking sync.WaitGroup
	defer asking.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			asking.Go(func() { l.count(client) })
		}
	}
}

func (l *load) count(client *http.Client) {
	began := time.Now()
	fault := ask(client, l.url)
	took := time.Since(began)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	l.longest = max(l.longest, took)
	if fault == "" {
		return
	}
	if l.lost++; l.lost == 1 {
		l.first = fault
	}
}

// ask returns the fault of the answer, or "" if the answer is right.
func ask(client *http.Client, url string) string {
	body := struct{ io.Reader }{strings.NewReader("x")} // its type prevents a rewind
	response, err := client.Post(url, "text/plain", body)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || string(text) != "pong" {
		return fmt.Sprintf("%s, %v: %.200s", response.Status, err, text)
	}
	return ""
}

// chat is an open WebSocket whose other end echoes.
type chat struct {
	conn net.Conn
	in   *bufio.Reader
}

func openChat(address string) (*chat, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(conn, "GET /echo/ HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", address)
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		conn.Close()
		return nil, fmt.Errorf("the WebSocket is answered %s", response.Status)
	}
	return &chat{conn, in}, nil
}

// Opcodes of RFC 6455, with the bit of a last frame.
const (
	textFrame = 0x81
	pingFrame = 0x89
	pongFrame = 0x8a
)

// send sends a short frame, with a mask of zeros.
func (c *chat) send(opcode byte, payload string) error {
	_, err := c.conn.Write(append([]byte{opcode, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...))
	return err
}

// echo sends a short text and reads it back. It answers the host's pings in between.
func (c *chat) echo(text string) error {
	if err := c.send(textFrame, text); err != nil {
		return err
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	for {
		var head [2]byte
		if _, err := io.ReadFull(c.in, head[:]); err != nil {
			return err
		}
		payload := make([]byte, head[1]&0x7f) // frames here are short
		if _, err := io.ReadFull(c.in, payload); err != nil {
			return err
		}
		switch {
		case head[0] == pingFrame:
			if err := c.send(pongFrame, string(payload)); err != nil {
				return err
			}
		case head[0] != textFrame || string(payload) != text:
			return fmt.Errorf("the WebSocket says %#x %q", head[0], payload)
		default:
			return nil
		}
	}
}
