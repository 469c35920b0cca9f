package main

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// incident is something that goes wrong, and the diagnosis that is expected.
type incident struct {
	name  string            // in a few words
	app   string            // settings in the block of the app; "": there is no app
	files map[string]string // files of the app, by name
	host  string            // further lines of the host's own file

	// missing returns the reason why the incident cannot be staged on this machine; nil or "": it
	// can be.
	missing func(*scene) string

	// prepare is called before the host starts; nil: no preparation.
	prepare func(context.Context, *scene) error

	// stage causes the incident; nil: it exists from the beginning.
	stage func(context.Context, *scene) error

	look  time.Duration // minimum time for which the host is observed before the sentence counts
	cause string        // the right cause
	says  string        // a pattern that the sentence must match, with the figures
}

// verdict is the diagnosis that an incident received.
type verdict struct {
	incident *incident
	cause    string // "": there was no diagnosis
	sentence string
	missing  string // why it was not staged; "": it was
	failed   error  // why it could not be
}

// right reports whether the sentence names the cause of the incident.
func (v *verdict) right() bool {
	return v.cause == v.incident.cause && regexp.MustCompile(v.incident.says).MatchString(v.sentence)
}

// String implements [fmt.Stringer].
func (v *verdict) String() string {
	switch {
	case v.missing != "":
		return fmt.Sprintf("left out  %s: %s", v.incident.name, v.missing)
	case v.failed != nil:
		return fmt.Sprintf("FAILED    %s: %v", v.incident.name, v.failed)
	case v.right():
		return fmt.Sprintf("right     %s: %s", v.incident.name, v.sentence)
	}
	return fmt.Sprintf("WRONG     %s: %s, not %s: %s", v.incident.name, v.cause, v.incident.cause, v.sentence)
}
