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

// DefaultMost is how many connections at once a listener takes when its settings do not say: so
// many that no one notices, and so few that half of the process's file descriptors remain for
// everything else.
func DefaultMost() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fewestConnections
	}
	return int(max(min(limit.Cur/2, mostConnections), fewestConnections))
}

// fullAgain is how long it must be since the last word of a full room before there is another.
const fullAgain = time.Minute

// room is for so many connections at once.
type room struct {
	places chan struct{} // nil: there is room for all
	log    *slog.Logger
	told   time.Time // when it was last said that the room is full
}

func newRoom(most int, log *slog.Logger) *room {
	r := &room{log: log}
	if most > 0 {
		r.places = make(chan struct{}, most)
	}
	return r
}

// enter waits for a place; false when ctx is done before there is one. It is for one goroutine.
func (r *room) enter(ctx context.Context) bool {
	if r.places == nil {
		return true
	}
	select {
	case r.places <- struct{}{}:
		return true
	default:
	}
	r.tell()
	select {
	case r.places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *room) tell() {
	if time.Since(r.told) < fullAgain {
		return
	}
	r.told = time.Now()
	f := full(cap(r.places))
	r.log.Warn("listener full", "code", f.Code, "error", f.Line())
}

func (r *room) leave() {
	if r.places != nil {
		<-r.places
	}
}

func full(most int) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-HST-016",
		Summary: fmt.Sprintf("cannot take another connection: the listener has %d, its max_connections", most),
	}
}
