package listen

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
)

// Bounds of the connections that a listener takes at once when nothing else is said.
const (
	fewestConnections = 64
	mostConnections   = 16384
)

// DefaultMaxConnections is how many connections at once a listener takes when its settings do not
// say: so many that no one notices, and so few that half of the process's file descriptors remain
// for everything else.
func DefaultMaxConnections() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fewestConnections
	}
	return int(max(min(limit.Cur/2, mostConnections), fewestConnections))
}

// fullAgain is how long after one record of a full listener there is another.
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

// enter waits for a place; false when ctx is done before there is one. It is for one goroutine.
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
