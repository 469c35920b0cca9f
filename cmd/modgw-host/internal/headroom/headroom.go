// Package headroom lets garbage pile up before Go's collector runs in a program whose heap is small: one that has 4 MiB in use
// would collect after every 4 MiB of requests, dozens of times a second under load. The memory goes back to the system soon
// after the load has ended, and so does that of code which only the start needed.
//
// It measures nothing and knows nothing of the program.
package headroom

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	// size is how much more than what is in use can become garbage between two collections.
	size = 12 << 20

	// lull is how long no collection may have run before memory is given back.
	lull = 10 * time.Second
)

// Keep keeps the room until ctx is done.
func Keep(ctx context.Context) {
	ballast := make([]byte, size) // never touched, so it takes no memory; the collector lets as much again become garbage
	defer runtime.KeepAlive(ballast)
	collected := make(chan time.Time, 1)
	stop := tell(collected)
	defer stop()
	started := time.After(lull) // what the start alone needed goes then
	var last time.Time          // collection
	var end <-chan time.Time    // of the lull; nil: nothing has piled up
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-collected:
			if now.Sub(last) < lull { // where nothing happens, Go collects every two minutes
				end = time.After(lull)
			}
			last = now
		case <-started:
			started = nil
			_ = releaseProgram() // without /proc it stays
		case <-end:
			end = nil
			debug.FreeOSMemory()
			_ = releaseProgram()
		}
	}
}

// tell sends the time of each collection, unless one waits to be received, until stop is called.
func tell(collected chan<- time.Time) (stop func()) {
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
