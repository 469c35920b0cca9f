package control

import "github.com/modgw/modgw/modgw/wire"

// Connections carry requests to one worker.
type Connections interface {
	// Add lets requests come.
	Add()

	// Remove lets no more requests come. Those that the worker has go on.
	Remove()

	// Drained lets no more requests come, too. The channel closes when no request that the worker
	// has waits for its answer.
	Drained() <-chan struct{}

	// Read reads until the connections end, where no request does that. It is called once.
	Read()

	// Loaded takes what the worker has said of itself when it was ready.
	Loaded(wire.ReadyMessage)

	// Requeue takes back the requests that the payload of an Unqueued frame names. computed is its
	// FlagEnd. An error costs the worker its life.
	Requeue(payload []byte, computed bool) error

	// Answered says that the worker has answered an Interrupt or a Dump frame: its interpreter
	// runs.
	Answered()

	// CleanUp is called when the process has ended. What it has sent may still be read.
	CleanUp()

	// Close closes connections on which no request has come.
	Close()

	// Join does what the worker says in a Join frame. back is its FlagEnd. An error costs the
	// worker its life.
	Join(payload []byte, back bool) error

	// Shared is how many pieces of memory are shared with the worker, whose descriptors come after
	// those of its connections.
	Shared() int

	// Cut ends the connections on both sides, for a worker that the host cannot end.
	Cut()
}
