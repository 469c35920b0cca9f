package host

import (
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/diagnosis"
)

// Samples of an app's figures are taken when its status is asked for, as top, Prometheus and
// dashboards do again and again: a host at which no one looks does not wake up for them.
const (
	sampleEvery = 10 * time.Second // samples that are kept are so far apart at least
	keptSamples = 60
)

// sampleStore keeps samples of the figures of apps. Its zero value has none.
type sampleStore struct {
	mu   sync.Mutex
	apps map[modgw.AppName]samples
}

// samples are the samples of an app.
type samples struct {
	kept   []diagnosis.Sample // oldest first
	latest diagnosis.Sample   // the last one, kept or not
}

// add returns the kept samples of an app, the latest one and s, which is kept if it is time.
func (f *sampleStore) add(app modgw.AppName, s diagnosis.Sample) []diagnosis.Sample {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, known := f.apps[app]
	if known {
		s = s.After(before.latest)
	}
	kept := before.kept
	all := append(make([]diagnosis.Sample, 0, len(kept)+2), kept...)
	if known && before.latest.Time.After(kept[len(kept)-1].Time) {
		all = append(all, before.latest)
	}
	if len(kept) == 0 || s.Time.Sub(kept[len(kept)-1].Time) >= sampleEvery {
		kept = append(slices.Clone(kept[max(0, len(kept)-keptSamples+1):]), s)
	}
	all = append(all, s)
	if f.apps == nil {
		f.apps = map[modgw.AppName]samples{}
	}
	f.apps[app] = samples{kept, s}
	return all
}

// remove forgets an app.
func (f *sampleStore) remove(app modgw.AppName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.apps, app)
}
