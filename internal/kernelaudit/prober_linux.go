package kernelaudit

import (
	"sync"
	"time"
)

// probeInterval is the time for which a result of Probe is reused: an administrator may turn
// auditing on and off, which need not be noticed at once.
const probeInterval = 10 * time.Second

// Prober caches the result of Probe for callers that ask often. The zero value is ready to use. A
// nil Prober does not cache.
type Prober struct {
	mu    sync.Mutex
	known Means
	until time.Time // time at which known expires

	probe func() Means // nil: Probe
}

// Means returns the result of Probe, which may be up to probeInterval old.
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
