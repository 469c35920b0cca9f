package process

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// The pauses between two looks whether a program listens grow from the first to the last.
const (
	firstPause = 2 * time.Millisecond
	lastPause  = 100 * time.Millisecond
)

// address is where a worker can be reached.
type address struct {
	network, name string
	inherited     bool // it is the socket that the program has inherited
}

func (a address) String() string {
	if a.network == "unix" {
		return "inherited Unix socket"
	}
	return a.name
}

func (a address) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, a.network, a.name)
}

// listening waits until the program has accepted a connection from the inherited socket or listens
// on its port, and returns which. The error is ctx's, or means that the program listens elsewhere.
func (w *worker) listening(ctx context.Context) (address, error) {
	s, p := w.inherited, w.port
	probe, err := s.address.dial(ctx)
	if err != nil {
		return address{}, fmt.Errorf("cannot connect to the socket of a worker: %w", err)
	}
	defer probe.Close()
	pause, elsewhere := firstPause, newStray(w)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return address{}, ctx.Err()
		}
		if !s.waiting() {
			return s.address, nil
		}
		for _, a := range p.addresses() {
			if a.answers(ctx) && ownListener(p.number, w.runner.user) {
				return a, nil
			}
		}
		if err := elsewhere.check(); err != nil {
			return address{}, err
		}
		pause = min(pause*3/2, lastPause)
		timer.Reset(pause)
	}
}

// addresses are where a program that knows only PORT may listen: localhost is either, or both.
func (p *port) addresses() []address {
	number := strconv.Itoa(p.number)
	return []address{{"tcp4", "127.0.0.1:" + number, false}, {"tcp6", "[::1]:" + number, false}}
}

// answers reports whether someone listens.
func (a address) answers(ctx context.Context) bool {
	conn, err := a.dial(ctx)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
