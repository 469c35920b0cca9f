package reload

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Status tells how the files of an app are watched.
type Status struct {
	Mode      modgw.ReloadMode `json:"mode"`               // what is really done: inotify, poll, touch or off
	Reason    string           `json:"reason,omitempty"`   // why files are polled; "" when they are not
	Degraded  string           `json:"degraded,omitempty"` // what cannot be seen, and why; "" when all can
	Folders   int              `json:"folders"`            // that are watched
	Watched   []string         `json:"watched"`            // the first of them, by name
	Files     int              `json:"files"`              // that count
	LastEvent time.Time        `json:"last_event"`         // when one of them may have changed; zero: not yet
}

// listedFolders is how many folders a status lists.
const listedFolders = 100

// show brings the status up to date.
func (a *app) show() {
	folders := a.folders()
	degraded := a.degraded()
	a.status.set(func(st *Status) {
		st.Mode, st.Reason, st.Degraded = a.mode(), a.polling, degraded
		st.Folders, st.Files = len(folders), a.last.files.len()
		st.Watched = slices.Clone(folders[:min(len(folders), listedFolders)])
	})
}

// folders are all those that matter, whether they are watched or polled.
func (a *app) folders() []string {
	all := make([]string, 0, len(a.last.dirs)+len(a.last.pins))
	for dir := range a.last.dirs {
		all = append(all, dir)
	}
	for dir := range a.last.pins {
		if a.last.dirs[dir] == nil {
			all = append(all, dir)
		}
	}
	slices.Sort(all)
	return all
}

func (a *app) degraded() string {
	lacks := a.lacking()
	switch {
	case lacks != "" && a.gone, lacks == "missing" && a.lackingIn(a.reported) == lacks:
		return a.now.Root + " is " + lacks
	case len(a.blind) > 0:
		return a.blind[0] + " is mounted as a single file"
	case a.crowded != "":
		return fmt.Sprintf("%s leads to more files than are watched", a.crowded)
	case a.full:
		return fmt.Sprintf("there are more than %d folders", folderLimit)
	}
	return ""
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
