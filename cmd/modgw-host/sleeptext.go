package main

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// sleepLines describes whether an app sleeps, by which means, and the cause of its last waking.
func sleepLines(a control.AppStatus) iter.Seq2[string, string] {
	return func(yield func(label, text string) bool) {
		for _, l := range [][2]string{{"asleep", sleepText(a.Sleep)}, {"woken", wokenText(a.Sleep)}} {
			if l[1] != "" && !yield(l[0], l[1]) {
				return
			}
		}
		label := "sleep"
		for _, name := range slices.Sorted(maps.Keys(a.Runner.Sleep)) {
			if !yield(label, name+" by "+a.Runner.Sleep[name]) {
				return
			}
			label = ""
		}
	}
}

// sleepText describes since when an app sleeps; it is "" if the app is awake.
func sleepText(s *modgw.SleepStatus) string {
	if s == nil || s.Since.IsZero() {
		return ""
	}
	after := time.Duration(s.After * float64(time.Second))
	return fmt.Sprintf("since %s, after %s without a request", ago(s.Since), after)
}

// wokenText describes the cause of an app's last waking; it is "" if there was none.
func wokenText(s *modgw.SleepStatus) string {
	if s == nil || s.Woken == nil {
		return ""
	}
	w := s.Woken
	by := w.Cause
	if r := w.Request; r != nil {
		by = fmt.Sprintf("%s %s: %s %s", w.Cause, r.Request, r.Method, r.Path)
	}
	took := time.Duration(w.Took * float64(time.Second)).Round(10 * time.Microsecond)
	return fmt.Sprintf("%s ago by %s; it had slept %s, and ran after %s", ago(w.Time), by, seconds(w.Slept), took)
}
