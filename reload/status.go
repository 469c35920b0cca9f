package reload

import (
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Status tells how the files of an app are watched.
type Status struct {
	Mode      modgw.ReloadMode `json:"mode"`             // what is really done: inotify, poll, touch or off
	Reason    string           `json:"reason,omitempty"` // why files are polled; "" when they are not
	Folders   int              `json:"folders"`          // that are watched
	Files     int              `json:"files"`            // that count
	LastEvent time.Time        `json:"last_event"`       // when one of them may have changed; zero: not yet
}

type statusBox struct {
	mu sync.Mutex
	s  Status
}

func (b *statusBox) set(change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.s)
}

func (b *statusBox) event(at time.Time) { b.set(func(s *Status) { s.LastEvent = at }) }

func (b *statusBox) get() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.s
}
