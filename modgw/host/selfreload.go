package host

import (
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/modgw/modgw/modgw"
)

// An app that writes a file which counts as code whenever it starts would be reloaded for ever. A
// change counts as caused by the reload before it when a file that caused that reload changes
// again while the new generation starts or within selfReloadWindow after. After selfReloads of
// them in a row while the generation started, or likelySelfReloads at all, further ones have to
// wait: firstSelfReload, then twice as long each time, up to lastSelfReload. The second number is
// larger because a developer who has seen the new page may save again at once.
const (
	selfReloads       = 4
	likelySelfReloads = 16
	selfReloadWindow  = 2 * time.Second
	firstSelfReload   = time.Second
	lastSelfReload    = 5 * time.Minute
)

// selfReload notices reloads of an app that cause each other. The zero value has seen none.
type selfReload struct {
	paths    []string // changed in every reload of the row
	caused   int      // reloads that were caused by the one before
	starts   int      // starts that were caused while one was in progress
	pause    time.Duration
	reported []string  // files that were reported
	counted  bool      // the attempt under way, or the last one, has been counted
	began    time.Time // the attempt under way, or the last one
	ended    time.Time // the last attempt; zero while one is under way
}

// begin notes that an attempt begins.
func (s *selfReload) begin(now time.Time) { s.counted, s.began, s.ended = false, now, time.Time{} }

// end notes that it has ended.
func (s *selfReload) end(now time.Time) { s.ended = now }

// delayOf returns how long the reload for paths that changed at a time must wait, and the file to
// report; "" when there is nothing to report.
func (s *selfReload) delayOf(paths []string, changed time.Time) (pause time.Duration, report string) {
	starting := !changed.Before(s.began) && (s.ended.IsZero() || !changed.After(s.ended))
	caused := starting || !s.ended.IsZero() && changed.After(s.ended) && changed.Sub(s.ended) <= selfReloadWindow
	common := intersection(s.paths, paths)
	if !caused || len(common) == 0 {
		s.paths, s.caused, s.starts, s.pause, s.counted = paths, 0, 0, 0, true
		return 0, ""
	}
	s.paths = common
	if !s.counted {
		s.counted = true
		if s.caused++; starting {
			s.starts++
		}
		reported := slices.Contains(s.reported, common[0])
		switch {
		case s.pause > 0:
			s.pause = min(2*s.pause, lastSelfReload)
		case s.starts >= selfReloads || s.caused >= likelySelfReloads || reported:
			s.pause = firstSelfReload
		}
		if s.pause > 0 && !reported {
			s.reported = append(s.reported, common[0])
			report = common[0]
		}
	}
	return s.pause, report
}

// intersection has the elements of a that are in b, in the order of a.
func intersection(a, b []string) []string {
	var both []string
	for _, x := range a {
		if slices.Contains(b, x) {
			both = append(both, x)
		}
	}
	return both
}

// reloadsItself is the fault that is logged for an app that is reloaded because it starts.
func reloadsItself(app modgw.AppName, file string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-HST-019",
		Summary: fmt.Sprintf("cannot let app %q reload at once any more: %q changes whenever the app starts", app, file),
		Hint:    fmt.Sprintf(`when the app itself writes it, leave it out: reload { ignore = [%q] }`, ignorePattern(file)),
	}
}

// ignorePattern returns a pattern that excludes the file, wherever generated files of its name are.
func ignorePattern(file string) string {
	if path.IsAbs(file) {
		return "**/" + path.Base(file)
	}
	return file
}
