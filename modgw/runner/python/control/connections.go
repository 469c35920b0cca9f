package control

import "github.com/modgw/modgw/modgw/wire"

// Connections carry requests to one worker.
type Connections interface {
	// Add lets requests come.
	Add()

	// Remove stops new requests. The worker's current ones continue.
	Remove()

	// Drained also stops new requests. The channel is closed when no request of the worker waits
	// for its answer.
	Drained() <-chan struct{}

	// Read reads until the connections end, where no request does that. It is called once.
	Read()

	// Loaded receives the worker's description of itself when it is ready.
	Loaded(wire.ReadyMessage)

	// Requeue takes back the requests that the payload of an Unqueued frame names. computed is its
	// FlagEnd. An error costs the worker its life.
	Requeue(payload []byte, computed bool) error

	// Answered reports that the worker has answered an Interrupt or a Dump frame: its interpreter
	// runs.
	Answered()

	// CleanUp is called when the process has ended. Its last frames may still be read.
	CleanUp()

	// Close closes connections on which no request has come.
	Close()

	// Join handles a worker's Join frame. back is its FlagEnd. An error ends the worker.
	Join(payload []byte, back bool) error

	// Shared returns the number of memory files that are shared with the worker. Their descriptors
	// follow those of its connections.
	Shared() int

	// Cut ends the connections on both sides, for a worker that the host cannot end.
	Cut()
}
