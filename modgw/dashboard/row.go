package dashboard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/history"
)

// level is the health of an app, worst first.
type level string

const (
	levelCritical level = "critical"
	levelWarning  level = "warning"
	levelNotice   level = "notice"
	levelGood     level = "good"
	levelOff      level = "off" // not serving, as intended
)

var levels = []level{levelCritical, levelWarning, levelNotice, levelGood, levelOff}

// row is an app at a glance.
type row struct {
	control.AppStatus
	Level      level
	Sentence   string // the diagnosis, or the state of the app
	Hint       string // advice; "": none
	Generation int    // 0: none
	Figures    []figure
	Spark      drawing // requests of the last minutes
}

// figure is a number with its name.
type figure struct {
	Name  string
	Value string
	Bad   bool // it indicates a problem
}

// newRow returns the row of an app, from its status and its history; a nil history is unknown.
func newRow(a control.AppStatus, past *history.App) row {
	r := row{AppStatus: a, Level: levelGood}
	latest := latestOf(past)
	r.Sentence = stateSentence(a, latest("requests"))
	if a.State == modgw.AppIdle || a.State == modgw.AppAsleep || a.State == modgw.AppStopped {
		r.Level = levelOff
	}
	if d := a.Diagnosis; d != nil {
		r.Sentence, r.Hint = d.Sentence, d.Hint
		switch {
		case d.Severity == diagnosis.Critical:
			r.Level = levelCritical
		case d.Severity == diagnosis.Warning:
			r.Level = levelWarning
		case r.Level != levelOff:
			r.Level = levelNotice
		}
	}
	if a.Generation != nil {
		r.Generation = a.Generation.Number
	}
	errors := latest("errors")
	r.Figures = []figure{
		{Name: "requests/s", Value: valueText(latest("requests"), history.PerSecond)},
		{Name: "errors/s", Value: valueText(errors, history.PerSecond), Bad: errors != nil && *errors > 0},
		{Name: "median", Value: valueText(latest("p50"), history.Seconds)},
		{Name: "95 of 100", Value: valueText(latest("p95"), history.Seconds)},
		{Name: "waiting", Value: number(float64(a.Waiting + a.Runner.Queued)), Bad: a.Waiting+a.Runner.Queued > 0},
		{Name: "busy", Value: busyText(a.Runner)},
		{Name: "processor", Value: valueText(latest("processor"), history.Share)},
		{Name: "memory", Value: valueText(latest("memory"), history.Bytes)},
	}
	r.Spark = drawSeries(past, []string{"requests", "errors"}, glanceTime)
	return r
}

// stateSentence describes what a healthy app is doing.
func stateSentence(a control.AppStatus, rate *float64) string {
	switch a.State {
	case modgw.AppIdle:
		return "waits for a request to start"
	case modgw.AppAsleep:
		return "sleeps until a request comes"
	case modgw.AppStarting:
		return "starts; " + plural(a.Waiting, "request waits", "requests wait")
	case modgw.AppStopped:
		return "was stopped"
	case modgw.AppFailed:
		return "could not start"
	}
	if rate == nil || *rate == 0 {
		return "no requests now"
	}
	return "answers " + number(*rate) + " requests a second"
}

func busyText(r modgw.RunnerStatus) string {
	if r.Capacity == 0 {
		return none
	}
	return number(float64(r.Busy)) + " of " + number(float64(r.Capacity))
}

// latestOf returns a function that returns the newest value of a series; nil: it is not known.
func latestOf(past *history.App) func(name string) *float64 {
	return func(name string) *float64 {
		if past == nil || len(past.Times) == 0 {
			return nil
		}
		for i, s := range history.AllSeries() {
			if s.Name == name {
				return past.Values[i][len(past.Times)-1]
			}
		}
		return nil
	}
}

// sortRows moves the apps that need attention to the front.
func sortRows(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(
			cmp.Compare(slices.Index(levels, a.Level), slices.Index(levels, b.Level)),
			strings.Compare(string(a.App), string(b.App)))
	})
}
