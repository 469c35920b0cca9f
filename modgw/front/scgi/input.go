package scgi

import (
	"net"
	"sync"
	"time"
)

// newcomerGrace is how long a connection without input may still begin its request when the server
// ends.
const newcomerGrace = time.Second

// input reads a connection and bounds its pauses.
type input struct {
	rwc   net.Conn
	pause time.Duration

	mu       sync.Mutex
	begun    bool // something was read
	draining bool
	watching bool // no more input is due, so none is late
}

func (in *input) Read(p []byte) (int, error) {
	in.setDeadline()
	n, err := in.rwc.Read(p)
	if n > 0 {
		in.mu.Lock()
		in.begun = true
		in.mu.Unlock()
	}
	return n, err
}

func (in *input) setDeadline() {
	in.mu.Lock()
	defer in.mu.Unlock()
	due := time.Now().Add(in.pause)
	switch {
	case in.watching:
		due = time.Time{}
	case in.draining && !in.begun:
		due = time.Now().Add(newcomerGrace)
	}
	_ = in.rwc.SetReadDeadline(due) // reading reports an error as well
}

// drain shortens the time of a connection that has not begun its request.
func (in *input) drain() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.draining = true
	if !in.begun {
		_ = in.rwc.SetReadDeadline(time.Now().Add(newcomerGrace))
	}
}

// watch lets reading wait for ever.
func (in *input) watch() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.watching = true
}
