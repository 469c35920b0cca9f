package workers

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// replica is one of the workers that a pool keeps: most of the time it has a process, and when that
// ends another one. Pool.mu guards its fields.
type replica struct {
	number     int
	dropped    chan struct{} // closes when the pool is to have fewer
	waitsSince time.Time     // since when it waits for its next start; zero: it does not
	ready      bool          // it has a worker that takes requests
}

// phase determines how the pool reacts to a change of its size.
type phase uint8

const (
	unstarted phase = iota // there are no replicas, because others start the workers
	starting               // Start, or later Expand, makes the replicas
	resizable              // Resize makes and drops them at once
	asleep                 // frozen; a change of size takes effect when thawed
	stopped                // nothing more is run in the background
)

// Expand starts the workers that Start left out.
func (p *Pool) Expand() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase == starting {
		p.phase = resizable
		p.resizeLocked(true)
	}
}

// Resize sets the number of workers, which is at least one. It returns at once: new ones start in
// the background, and superfluous ones finish their requests and end.
func (p *Pool) Resize(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size = max(1, n)
	if p.phase == resizable {
		p.resizeLocked(false)
	}
}

// resizeLocked adds or drops replicas until the number is right. New workers that yield load their
// modules only when serving workers leave a processor free.
func (p *Pool) resizeLocked(yield bool) {
	for number := 1; len(p.replicas) < p.size; number++ {
		if p.replicas[number] != nil {
			continue
		}
		r := p.addReplica(number)
		p.running.Go(func() { p.supervise(r, p.startAtLast(r, yield)) })
	}
	for len(p.replicas) > p.size {
		r := slices.MinFunc(slices.Collect(maps.Values(p.replicas)), compareUse)
		delete(p.replicas, r.number)
		close(r.dropped)
	}
}

// addReplica makes a replica; p.mu is held.
func (p *Pool) addReplica(number int) *replica {
	r := &replica{number: number, dropped: make(chan struct{})}
	p.replicas[number] = r
	return r
}

// compareUse orders replicas by how much they are missed: first those that serve no requests, and
// then the latest.
func compareUse(a, b *replica) int {
	switch {
	case a.ready != b.ready && b.ready:
		return -1
	case a.ready != b.ready:
		return 1
	}
	return cmp.Compare(b.number, a.number)
}

// setReady notes whether a replica has a worker that takes requests.
func (p *Pool) setReady(r *replica, ready bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.ready = ready
}

// isDropped reports whether the pool does without a replica.
func (r *replica) isDropped() bool {
	select {
	case <-r.dropped:
		return true
	default:
		return false
	}
}
