package diagnosis

import (
	"fmt"
	"slices"
	"time"
)

// Time without an answered request after which the diagnosis reports a worker that does not report
// the place of its requests, and a worker whose requests are not known to wait for anything.
const (
	silentTime     = 5 * time.Second
	unansweredTime = 10 * time.Second
)

// silentWorkers is about workers that accept requests and cannot make progress with them.
func silentWorkers(a *App) *Diagnosis {
	quiet := a.quiet()
	hint := fmt.Sprintf("modgw-host restart %s replaces it; timeouts { request } ends such requests", a.App)
	switch {
	case len(a.Stopped) > 0 && (quiet >= time.Second || a.isPressed()):
		return a.silence(quiet, workersAre(a.Stopped, "is stopped", "are stopped")+", by a signal or a debugger",
			a.signal("kill -CONT", a.Stopped)+" lets it go on; "+hint)
	case len(a.InKernel) > 0 && quiet >= silentTime:
		return a.silence(quiet, workersAre(a.InKernel, "waits", "wait")+" in the kernel, for a disk or a network file system",
			"look at dmesg, and whether all that is mounted answers")
	case len(a.Silent) > 0 && quiet >= silentTime:
		return a.silence(quiet, workersAre(a.Silent, "does", "do")+" not say where requests are: native code keeps the interpreter", hint)
	}
	return nil
}

// unanswered covers an app that accepts requests and answers none, for no known reason.
func unanswered(a *App) *Diagnosis {
	quiet := a.quiet()
	if quiet < unansweredTime || !a.isPressed() {
		return nil
	}
	return a.addPlace(a.silence(quiet, a.busy(), fmt.Sprintf("look what the app waits for: modgw-host logs %s; timeouts { request } ends such requests", a.App)))
}

// silence returns the diagnosis of workers that answer no requests.
func (a *App) silence(quiet time.Duration, text, hint string) *Diagnosis {
	d := &Diagnosis{"worker_silent", Warning, text, hint}
	if quiet >= time.Second {
		d.Sentence += fmt.Sprintf("; no request was answered for %s", roughly(quiet))
	}
	if a.isPressed() {
		d.Severity = Critical
	}
	return a.addPressure(d)
}

// workersAre describes some workers, with is for a single worker and are for several.
func workersAre(numbers []int, is, are string) string {
	if len(numbers) == 1 {
		return fmt.Sprintf("worker %d %s", numbers[0], is)
	}
	return fmt.Sprintf("%d workers %s", len(numbers), are)
}

// signal returns a command line that signals the processes of some workers.
func (a *App) signal(command string, numbers []int) string {
	for _, w := range a.Runner.Workers {
		if w.PID != 0 && slices.Contains(numbers, w.Number) {
			command += fmt.Sprintf(" %d", w.PID)
		}
	}
	return command
}

// quiet returns the time for which workers have had requests without answering any, according to
// the samples.
func (a *App) quiet() time.Duration {
	since := a.last().QuietSince
	if since.IsZero() {
		return 0
	}
	return a.Now.Sub(since)
}
