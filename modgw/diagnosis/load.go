package diagnosis

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
)

// fewest is the smallest number of requests for which a share of them is reported.
const fewest = 10

// window is the period in which shares of requests are counted.
const window = time.Minute

func diskFull(a *App) *Diagnosis {
	base, ok := a.base()
	if n := a.last().DiskFull - base.DiskFull; ok && n > 0 {
		return a.noRoom(fmt.Sprintf("disk full: %s with a body could not be kept since %s", requests(n), clock(base.Time)))
	}
	f := a.Failing
	if f != nil && f.Last.Status == http.StatusInsufficientStorage && a.last().DiskFull > 0 {
		return a.noRoom(fmt.Sprintf("disk full: the body of a request could not be kept at %s", clock(f.Last.Time)))
	}
	return nil
}

func (a *App) noRoom(sentence string) *Diagnosis {
	return &Diagnosis{"disk_full", Critical, sentence, "modgw-host explain " + codeDiskFull}
}

func queueFull(a *App) *Diagnosis {
	hint := "raise workers or threads; queue { max timeout } says how many wait, and how long"
	if refused := a.refusals(); refused != "" {
		return a.addPlace(&Diagnosis{"queue_full", Critical, refused, hint})
	}
	last, f := a.last(), a.Failing
	if f != nil && f.Last.Status == http.StatusServiceUnavailable && last.Refused > 0 && a.Now.Sub(f.Last.Time) < refusedPause {
		return &Diagnosis{"queue_full", Critical, fmt.Sprintf("the queue was full at %s: %s refused since the host started",
			clock(f.Last.Time), requests(last.Refused)), hint}
	}
	return nil
}

// refusals describes the refusals of requests because of the queue, or returns "" if there are
// none.
func (a *App) refusals() string {
	base, ok := a.base()
	last := a.last()
	if n := last.Refused - base.Refused; ok && n > 0 && a.Now.Sub(last.RefusedUntil) <= refusedPause {
		return fmt.Sprintf("the queue is full, as seen since %s: %s refused in %s%s",
			clock(last.RefusedSince), requests(n), roughly(a.Now.Sub(base.Time)), share(n, last.Requests-base.Requests))
	}
	if a.QueueMax > 0 && a.Runner.Queued >= a.QueueMax {
		return fmt.Sprintf("the queue is full: %s, %s", waiting(a.Runner.Queued), a.busy())
	}
	return ""
}

// busy describes how many of the requests that can be executed at once are being executed.
func (a *App) busy() string {
	if a.Kind == modgw.KindWSGI {
		return fmt.Sprintf("%d of %d threads are busy", a.Runner.Busy, a.Runner.Capacity)
	}
	return fmt.Sprintf("%d requests are executed, of %d at once", a.Runner.Busy, a.Runner.Capacity)
}

// busyShare is the share of a processor from which on a worker counts as always computing.
const busyShare = 0.9

func processorBound(a *App) *Diagnosis {
	last := a.last()
	base, ok := a.before(2*time.Second, 30*time.Second)
	span := last.Time.Sub(base.Time)
	if !ok || !a.threaded() || last.Busy <= last.Workers {
		return nil
	}
	used, bound := time.Duration(0), 0
	for pid, after := range last.CPU {
		if before, there := base.CPU[pid]; there && after-before >= time.Duration(busyShare*float64(span)) {
			used += after - before
			bound++
		}
	}
	if bound == 0 || bound < last.Workers {
		return nil
	}
	return &Diagnosis{"processor_bound", Warning,
		fmt.Sprintf("one Python thread computes at a time: the workers used %d %% of a processor each for %s, and have %s",
			int(100*used/span)/bound, roughly(span), requests(uint64(last.Busy))),
		"raise workers, up to the number of processors"}
}

// The interpreter lock counts as the limit if there were at least lockTries tries to get it, and a
// share of them had to wait for lockWait on average.
const (
	lockTries = 30
	lockShare = 0.7
	lockWait  = time.Millisecond
)

// lockBound is about workers whose threads wait for the interpreter more than for anything else.
func lockBound(a *App) *Diagnosis {
	last := a.last()
	base, ok := a.before(2*time.Second, 30*time.Second)
	if !ok || last.Busy <= last.Workers {
		return nil
	}
	var sum modgw.Pauses
	workers := 0
	for pid, after := range last.Lock {
		tried := after.Since(base.Lock[pid])
		waited := tried.Beyond(0)
		if tried.Count < lockTries || float64(waited) < lockShare*float64(tried.Count) ||
			tried.Seconds < lockWait.Seconds()*float64(tried.Count) {
			continue
		}
		workers++
		sum.Count += tried.Count
		sum.Seconds += tried.Seconds
		sum.Buckets[1] += waited
	}
	if workers == 0 || workers < last.Workers {
		return nil
	}
	d := &Diagnosis{"gil_bound", Warning, fmt.Sprintf("one Python thread computes at a time: %d %% of the GIL is used, and a thread waits %.0f ms for it, with %s",
		100*sum.Buckets[1]/sum.Count, 1000*sum.Seconds/float64(sum.Count), running(last.Busy, workers)),
		"raise workers, up to the number of processors; more threads do not help"}
	return a.addPressure(d)
}

// addPressure adds the consequences of a cause: requests that are refused, or wait.
func (a *App) addPressure(d *Diagnosis) *Diagnosis {
	if refused := a.refusals(); refused != "" {
		d.Severity = Critical
		d.Sentence += "; " + refused
	} else if n := a.Runner.Queued; n > 0 {
		d.Sentence += "; " + waiting(n)
	}
	if text := a.greedy(); text != "" && d.Cause != "greedy_client" {
		d.Sentence += "; " + text
	}
	return d
}

// addPlace adds the place of most requests.
func (a *App) addPlace(d *Diagnosis) *Diagnosis {
	if g := a.gather(); g != nil {
		if where := a.where(g); where != "" {
			d.Sentence += "; " + where
		}
	}
	return d
}

// running describes the number of requests that some workers execute.
func running(requests, workers int) string {
	if workers == 1 {
		return fmt.Sprintf("%d requests in one worker", requests)
	}
	return fmt.Sprintf("%d requests in %d workers", requests, workers)
}

// holds maps obstacles to more workers to their descriptions, and to hints.
var holds = map[string]struct{ why, hint string }{
	modgw.HeldByMax:        {"max reached", "raise max of workers = { min, max }, or threads for an app that waits"},
	modgw.HeldByLimit:      {"limits { memory } has no room for more", "raise limits { memory }, or lower the memory of a worker"},
	modgw.HeldByMemory:     {"the machine has no memory for more", "lower max of other apps, or give the machine more memory"},
	modgw.HeldByProcessors: {"the machine has no processors for more", "more workers would not help: the pages need more time than the machine has"},
}

func allBusy(a *App) *Diagnosis {
	full := func(s Sample) bool { return s.Capacity > 0 && s.Busy >= s.Capacity && s.Queued > 0 }
	r := a.Runner
	if r.Capacity == 0 || r.Busy < r.Capacity || r.Queued == 0 {
		return nil
	}
	d := &Diagnosis{"all_busy", Warning, a.busy(),
		"raise threads for an app that waits, workers for one that computes"}
	if s := a.Scale; s != nil && s.Held != "" {
		h := holds[s.Held]
		d.Sentence, d.Hint = fmt.Sprintf("all %d workers are busy, %s", s.Wanted, h.why), h.hint
	}
	if at, ok := a.since(full); ok && a.Now.Sub(at) >= time.Second {
		d.Sentence += " for at least " + roughly(a.Now.Sub(at))
	}
	d.Sentence += ", " + waiting(r.Queued)
	return a.addPlace(d)
}

func timeouts(a *App) *Diagnosis {
	base, ok := a.base()
	last := a.last()
	n := last.Late - base.Late
	if !ok || n == 0 {
		return nil
	}
	d := &Diagnosis{"timeout", Critical, fmt.Sprintf("%s ended at timeouts { request } in %s%s",
		requests(n), roughly(last.Time.Sub(base.Time)), share(n, last.Requests-base.Requests)),
		fmt.Sprintf("modgw-host logs %s has the stacks of what they waited for", a.App)}
	if a.Interrupted != "" {
		d.Sentence += "; the last one was in " + a.Interrupted
	}
	return a.addPlace(d)
}

// failureCauses maps parts of exception messages to causes of requests that fail for lack of a
// resource or a permission.
var failureCauses = map[string]string{
	"Errno 28]": "disk_full", "Errno 24]": "too_many_files", "MemoryError": "out_of_memory",
	"Errno 13]": "permission_denied",
}

func failingRequests(a *App) *Diagnosis {
	f := a.Failing
	if f == nil {
		return nil
	}
	d := &Diagnosis{Cause: "failing_requests", Severity: Warning, Hint: "modgw-host logs --id " + f.Last.Request}
	what := fmt.Sprintf("%d for %s %s", f.Last.Status, f.Last.Method, f.Last.Path)
	if a.FailingError != "" {
		what = oneLine(a.FailingError)
		for part, cause := range failureCauses {
			if strings.Contains(what, part) {
				d.Cause = cause
			}
		}
	}
	last := fmt.Sprintf("the last at %s: %s", clock(f.Last.Time), what)
	base, ok := a.base()
	failed, all := a.last().Failed-base.Failed, a.last().Requests-base.Requests
	if ok && failed > 0 && all >= fewest {
		if 4*failed >= all {
			d.Severity = Critical
		}
		d.Sentence = fmt.Sprintf("%d of the last %d answers were 5xx, %s", failed, all, last)
		return d
	}
	d.Sentence = fmt.Sprintf("%s failed in %d min, %s", requests(uint64(f.Count)), f.Minutes, last)
	return d
}

// growth defines from when on memory counts as growing.
type growth struct {
	settled time.Duration // time that a generation has to load its data
	span    time.Duration // minimum duration of the growth
	share   float64       // minimum growth as a share
	least   int64         // minimum growth in bytes
}

// growths define a slow leak and a fast leak.
var growths = [...]growth{
	{time.Minute, 3 * time.Minute, 0.2, 16 << 20},
	{20 * time.Second, 30 * time.Second, 1, 128 << 20},
}

func memoryGrows(a *App) *Diagnosis {
	for _, g := range growths {
		if d := a.memoryGrows(g); d != nil {
			return d
		}
	}
	return nil
}

func (a *App) memoryGrows(least growth) *Diagnosis {
	last, g := a.last(), a.Generation
	if g == nil || last.Memory == 0 {
		return nil
	}
	of := slices.DeleteFunc(slices.Clone(a.Samples), func(s Sample) bool {
		return s.Generation != g.Number || s.Workers != last.Workers || s.Memory == 0 || s.Time.Sub(g.Ready) < least.settled
	})
	if len(of) < 4 {
		return nil
	}
	base := of[0]
	span, grown := last.Time.Sub(base.Time), last.Memory-base.Memory
	if span < least.span || grown < least.least || float64(grown) < least.share*float64(base.Memory) {
		return nil
	}
	if shrunk, leap := steps(of); 4*shrunk > len(of) || 2*leap > grown {
		return nil
	}
	return &Diagnosis{"memory_grows", Warning,
		fmt.Sprintf("the memory of the workers grows by %.1f MiB a minute in generation %d: from %d to %d MiB in %s",
			float64(grown)/(1<<20)/span.Minutes(), g.Number, base.Memory>>20, last.Memory>>20, roughly(span)),
		"recycle { memory } replaces a worker that has become large"}
}

// steps returns how often memory has shrunk between two samples, and its largest growth.
func steps(of []Sample) (shrunk int, leap int64) {
	for i := range of[1:] {
		step := of[i+1].Memory - of[i].Memory
		if step < 0 {
			shrunk++
		}
		leap = max(leap, step)
	}
	return shrunk, leap
}
