package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// messageInterval is the interval between two messages on each WebSocket.
	messageInterval = 500 * time.Millisecond

	// silence is the time without any data after which a client counts as disconnected.
	silence = 30 * time.Second
)

// clients keep WebSockets and event streams open.
type clients struct {
	site    *site
	running sync.WaitGroup
	ended   atomic.Bool
	began   time.Time // beginning of the last reload
	longest time.Duration

	mu       sync.Mutex
	versions map[int]int // number of the clients that have seen a version
	all      int

	failed atomic.Int64 // number of the clients that have failed
	first  atomic.Value // error of the first of them

	reloading    atomic.Bool
	usual, moved pauses // while the app is not reloaded, and while it is
}

// pauses are the longest pauses, in nanoseconds.
type pauses struct{ answer, event atomic.Int64 }

func (p *pauses) String() string {
	return fmt.Sprintf("%s for an answer, %s for an event",
		time.Duration(p.answer.Load()).Round(time.Millisecond), time.Duration(p.event.Load()).Round(time.Millisecond))
}

// pauses returns the pauses that count at present.
func (c *clients) pauses() *pauses {
	if c.reloading.Load() {
		return &c.moved
	}
	return &c.usual
}

func newClients(s *site, sockets, streams int) *clients {
	c := &clients{site: s, versions: map[int]int{}, all: sockets + streams}
	for n := range sockets {
		c.running.Go(func() { c.report(c.talk(n)) })
	}
	for range streams {
		c.running.Go(func() { c.report(c.listen()) })
	}
	return c
}

// report counts a client that has ended too early.
func (c *clients) report(err error) {
	if !c.ended.Load() {
		c.failed.Add(1)
		c.first.CompareAndSwap(nil, fmt.Sprint(err))
	}
}

func (c *clients) stop() {
	c.ended.Store(true)
	c.running.Wait()
}

// awaitAll waits until every client has seen a version.
func (c *clients) awaitAll(ctx context.Context, version int) error {
	for end := time.Now().Add(2 * silence); ; time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		seen := c.versions[version]
		c.mu.Unlock()
		switch {
		case c.failed.Load() > 0:
			return fmt.Errorf("%d clients have failed, such as: %v", c.failed.Load(), c.first.Load())
		case ctx.Err() != nil:
			return ctx.Err()
		case seen == c.all:
			if version > 1 {
				c.longest = max(c.longest, time.Since(c.began))
			}
			return nil
		case time.Now().After(end):
			return fmt.Errorf("only %d of %d clients have seen it", seen, c.all)
		}
	}
}

// see records the version that a client sees; last is the version that the client saw before.
func (c *clients) see(text string, last *int) error {
	var version int
	if _, err := fmt.Sscan(text, &version); err != nil {
		return fmt.Errorf("no version in %q", text)
	}
	if version != *last {
		c.mu.Lock()
		c.versions[version]++
		c.mu.Unlock()
	}
	*last = version
	return nil
}

// talk sends numbers over a WebSocket and checks the answers.
func (c *clients) talk(n int) error {
	conn, in, err := c.site.ask("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if err != nil {
		return err
	}
	defer conn.Close()
	time.Sleep(time.Duration(n) * messageInterval / time.Duration(c.all))
	last := 0
	for number := 0; !c.ended.Load(); number++ {
		text := fmt.Sprint(number)
		sent := time.Now()
		if _, err := conn.Write(frame(2, text)); err != nil {
			return err
		}
		_ = conn.SetDeadline(sent.Add(silence))
		got, err := message(conn, in)
		if err != nil {
			return err
		}
		longer(&c.pauses().answer, time.Since(sent))
		if _, number, _ := strings.Cut(got, " "); number != text {
			return fmt.Errorf("%q in place of the answer to %s", got, text)
		}
		if err := c.see(got, &last); err != nil {
			return err
		}
		time.Sleep(messageInterval - time.Since(sent))
	}
	return nil
}

// listen checks the events of a stream.
func (c *clients) listen() error {
	conn, in, err := c.site.ask("GET /events HTTP/1.0\r\nHost: x\r\n\r\n")
	if err != nil {
		return err
	}
	defer conn.Close()
	last := 0
	for number := 1; !c.ended.Load(); number++ {
		began := time.Now()
		_ = conn.SetDeadline(began.Add(silence))
		var lines [3]string
		for i := range lines {
			if lines[i], err = in.ReadString('\n'); err != nil {
				return err
			}
		}
		if number > 1 {
			longer(&c.pauses().event, time.Since(began)-100*time.Millisecond)
		}
		if lines[0] != fmt.Sprintf("id: %d\n", number) || lines[2] != "\n" {
			return fmt.Errorf("%q in place of event %d", lines, number)
		}
		if err := c.see(strings.TrimPrefix(lines[1], "data: "), &last); err != nil {
			return err
		}
	}
	return nil
}

// frame returns a client's short frame, with a mask that changes nothing.
func frame(operation byte, payload string) []byte {
	return append([]byte{0x80 | operation, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
}

// message reads the next message, and answers pings.
func message(conn net.Conn, in *bufio.Reader) (string, error) {
	for {
		head := make([]byte, 2)
		if _, err := io.ReadFull(in, head); err != nil {
			return "", err
		}
		payload := make([]byte, head[1]&0x7f)
		if _, err := io.ReadFull(in, payload); err != nil {
			return "", err
		}
		switch head[0] & 0xf {
		case 8:
			return "", fmt.Errorf("closed with %d %q", binary.BigEndian.Uint16(append(payload, 0, 0)), payload)
		case 9:
			if _, err := conn.Write(frame(10, string(payload))); err != nil {
				return "", err
			}
		default:
			return string(payload), nil
		}
	}
}

// longer makes d the value if it is longer.
func longer(value *atomic.Int64, d time.Duration) {
	for old := value.Load(); int64(d) > old && !value.CompareAndSwap(old, int64(d)); old = value.Load() {
	}
}
