// Package ballast makes Go's garbage collector run less often in a program whose heap is small. A
// program with 4 MiB in use would collect after every 4 MiB of garbage, dozens of times a second
// under load. The ballast is a block of memory that is never touched, so it occupies no memory, but
// counts as in use. The benchmark measures the gain.
//
// When a load has ended, the package returns memory to the system, including the program code that
// only start-up needed.
//
// It measures nothing and does not depend on the rest of the program.
package ballast

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	// size is the size of the ballast in bytes: that much more garbage is made between two
	// collections.
	size = 8 << 20

	// pause is the time without a collection after which memory is returned to the system.
	pause = 10 * time.Second
)

// Keep holds the ballast, and gives memory back after loads, until ctx is done.
func Keep(ctx context.Context) {
	ballast := make([]byte, size) // never touched
	defer runtime.KeepAlive(ballast)
	collected := make(chan time.Time, 1)
	stop := notifyCollections(collected)
	defer stop()
	started := time.After(pause) // returns the memory that only start-up needed
	var history collections
	var end <-chan time.Time // of the pause; nil: there is nothing to give back
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-collected:
			if history.note(now) {
				end = time.After(pause)
			}
		case <-started:
			started = nil
			_ = releaseProgram() // it needs /proc
		case <-end:
			end = nil
			debug.FreeOSMemory()
			history.released = time.Now()
			_ = releaseProgram()
		}
	}
}

const (
	// idleCollection is the shortest time between two collections of a program that does nothing:
	// Go collects after two minutes without a collection.
	idleCollection = 110 * time.Second

	// noticeDelay is the longest time until the collection of debug.FreeOSMemory is noticed.
	noticeDelay = time.Second
)

// collections distinguishes collections that follow work from those that Go forces in an idle
// program, and from those caused by returning memory.
type collections struct {
	last     time.Time
	released time.Time // when memory was last given back
}

// note records a collection and reports whether garbage caused it.
func (c *collections) note(now time.Time) (garbage bool) {
	garbage = now.Sub(c.last) < idleCollection && now.Sub(c.released) > noticeDelay
	c.last = now
	return garbage
}

// notifyCollections sends the time of each collection, unless one waits to be received, until stop
// is called.
func notifyCollections(collected chan<- time.Time) (stop func()) {
	ended := make(chan struct{})
	var again func(chan<- time.Time)
	again = func(collected chan<- time.Time) {
		select {
		case <-ended:
			return
		case collected <- time.Now():
		default:
		}
		runtime.AddCleanup(new([16]byte), again, collected)
	}
	again(collected)
	return func() { close(ended) }
}
