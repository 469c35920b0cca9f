package python

// roster has the workers that are ready for requests: a [pool] for WSGI, [seats] for ASGI. These are its sides that the
// life of workers shows.
type roster interface {
	// add makes a worker available.
	add(*worker)

	// remove gives a worker no more requests; those that it has go on.
	remove(*worker)

	// bury takes note of a worker's end and returns its lanes that nobody uses any more.
	bury(*worker) (idle []*lane)

	// drained returns a channel that closes when no request of a worker is left that waits for its answer. The worker
	// must have been removed.
	drained(*worker) <-chan struct{}

	// hope counts the workers that are worth waiting for up or down.
	hope(n int)

	// close refuses all requests from now on.
	close()

	// counts is how many requests are executed and how many wait.
	counts() (busy, queued int)
}

var (
	_ roster = (*pool)(nil)
	_ roster = (*seats)(nil)
)
