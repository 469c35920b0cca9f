package reload

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Status reports how the files of an app are watched.
type Status struct {
	Mode      modgw.ReloadMode `json:"mode"`               // in effect: inotify, poll, touch or off
	Reason    string           `json:"reason,omitempty"`   // why files are polled; "": they are not
	Degraded  string           `json:"degraded,omitempty"` // changes that are missed; "": none
	Folders   int              `json:"folders"`            // how many folders are watched
	Watched   []string         `json:"watched"`            // the first of the folders, by name
	Files     int              `json:"files"`              // how many files count
	LastEvent time.Time        `json:"last_event"`         // when a file may have changed; 0: never
}

// listedFolders is the number of folders in a status.
const listedFolders = 100

// updateStatus updates the status.
func (a *app) updateStatus() {
	folders := a.folders()
	degraded := a.degraded()
	a.status.set(func(st *Status) {
		st.Mode, st.Reason, st.Degraded = a.mode(), a.polling, degraded
		st.Folders, st.Files = len(folders), a.last.files.len()
		st.Watched = slices.Clone(folders[:min(len(folders), listedFolders)])
	})
}

// folders returns all folders that matter, whether they are watched or polled.
func (a *app) folders() []string {
	all := make([]string, 0, len(a.last.dirs)+len(a.last.ancestors))
	for dir := range a.last.dirs {
		all = append(all, dir)
	}
	for dir := range a.last.ancestors {
		if a.last.dirs[dir] == nil {
			all = append(all, dir)
		}
	}
	slices.Sort(all)
	return all
}

func (a *app) degraded() string {
	lacks := a.rootProblem()
	switch {
	case lacks != "" && a.rootGone, lacks == "missing" && a.rootProblemIn(a.reported) == lacks:
		return a.interest.Root + " is " + lacks
	case len(a.fileMounts) > 0:
		return a.fileMounts[0] + " is mounted as a single file"
	case a.oversizedLink != "":
		return fmt.Sprintf("%s leads to more files than are watched", a.oversizedLink)
	case a.tooManyFolders:
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

func (b *statusBox) noteEvent(at time.Time) { b.set(func(s *Status) { s.LastEvent = at }) }

func (b *statusBox) get() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.s
}
