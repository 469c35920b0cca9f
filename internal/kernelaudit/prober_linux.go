package kernelaudit

import (
	"sync"
	"time"
)

// probeInterval is how long an answer of Probe is good for: an administrator may turn auditing on
// and off, which need not be noticed at once.
const probeInterval = 10 * time.Second

// Prober remembers what can be read, for callers that ask often. The zero value is ready to use.
// nil remembers nothing.
type Prober struct {
	mu    sync.Mutex
	known Means
	until time.Time // when it is to be found out again

	probe func() Means // nil: Probe
}

// Means returns what Probe has found, which may be some seconds ago.
func (p *Prober) Means() Means {
	if p == nil {
		return Probe()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return p.known
	}
	probe := p.probe
	if probe == nil {
		probe = Probe
	}
	p.known = probe()
	p.until = time.Now().Add(probeInterval)
	return p.known
}
