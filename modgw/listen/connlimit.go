package listen

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
)

// Defaults for the number of simultaneous connections of a listener.
const (
	fewestConnections = 64
	mostConnections   = 16384
)

// DefaultMaxConnections returns the default limit of simultaneous connections of a listener. It is
// high enough to go unnoticed, and leaves half of the process's file descriptors for everything
// else.
func DefaultMaxConnections() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fewestConnections
	}
	return int(max(min(limit.Cur/2, mostConnections), fewestConnections))
}

// fullAgain is the shortest interval between two log records about a full listener.
const fullAgain = time.Minute

// connLimit lets so many connections in at once.
type connLimit struct {
	places chan struct{} // nil: there is no limit
	log    *slog.Logger
	told   time.Time // when it was last logged that the listener is full
}

func newConnLimit(most int, log *slog.Logger) *connLimit {
	l := &connLimit{log: log}
	if most > 0 {
		l.places = make(chan struct{}, most)
	}
	return l
}

// enter waits for a place. It reports false if ctx is done first. Only one goroutine may call it.
func (l *connLimit) enter(ctx context.Context) bool {
	if l.places == nil {
		return true
	}
	select {
	case l.places <- struct{}{}:
		return true
	default:
	}
	l.tell()
	select {
	case l.places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *connLimit) tell() {
	if time.Since(l.told) < fullAgain {
		return
	}
	l.told = time.Now()
	f := full(cap(l.places))
	l.log.Warn("listener full", "code", f.Code, "error", f.Line())
}

func (l *connLimit) leave() {
	if l.places != nil {
		<-l.places
	}
}

func full(most int) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-HST-016",
		Summary: fmt.Sprintf("cannot take another connection: the listener has %d, its max_connections", most),
	}
}
