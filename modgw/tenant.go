package modgw

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"time"
)

// Tenant is what the descriptors of one user may claim, and the most that they may ask for.
type Tenant struct {
	User     string      // login name of the owner of the descriptors
	Hosts    []string    // host patterns as in [Descriptor], at any mount; empty: none
	Mounts   []HostMount // mounts at other hosts, with all that is below them
	Apps     int         // apps at once; 0: any number
	Ceilings Ceilings    // the most that settings may be
}

// HostMount is a mount at a host pattern.
type HostMount struct {
	Host  string    // "": any host
	Mount MountPath // never ""
}

func (m HostMount) String() string { return m.Host + string(m.Mount) }

// Ceilings are the largest values that settings of a descriptor may have. A setting that is zero
// here has no ceiling.
type Ceilings struct {
	Workers     int // processes of an app
	Threads     int // requests at once in each WSGI worker
	Concurrency int // requests at once of an app of another kind
	WebSockets  int // open at once in each ASGI worker
	Limits      Limits
	Queue       Queue
	Timeouts    Timeouts
	Spool       Spool
}

// Excess is a setting that is above its ceiling.
type Excess struct {
	Block    string // block of the setting in an app block
	Argument string // name of the setting
	Most     string // ceiling, as it is written in a descriptor
}

// Lower sets the settings of d that are above their ceilings to them, and returns which they were.
// A setting that means no limit by zero is above every ceiling.
func (c Ceilings) Lower(d *Descriptor) []Excess {
	l := &lowering{kind: string(d.Kind)}
	switch {
	case d.WSGI != nil:
		w := *d.WSGI
		d.WSGI = &w
		l.count("workers", &w.Workers, c.Workers, runtime.NumCPU())
		l.count("threads", &w.Threads, c.Threads, w.mostThreads())
	case d.ASGI != nil:
		a := *d.ASGI
		d.ASGI = &a
		l.count("workers", &a.Workers, c.Workers, runtime.NumCPU())
		l.count("concurrency", &a.Concurrency, c.Concurrency, 0)
		l.count("websockets", &a.WebSockets, c.WebSockets, 0)
	case d.Go != nil:
		g := *d.Go
		d.Go = &g
		l.count("workers", &g.Workers, c.Workers, 1)
	case d.HTTP != nil:
		h := *d.HTTP
		d.HTTP = &h
		l.count("workers", &h.Workers, c.Workers, 1)
	case d.FastCGI != nil:
		f := *d.FastCGI
		d.FastCGI = &f
		l.count("workers", &f.Workers, c.Workers, 1)
		l.count("concurrency", &f.Concurrency, c.Concurrency, 1)
	case d.CGI != nil:
		s := *d.CGI
		d.CGI = &s
		l.count("concurrency", &s.Concurrency, c.Concurrency, 0)
	}
	l.limits(&d.Limits, c.Limits)
	l.size("spool", "upload", &d.Spool.Upload, c.Spool.Upload, 0)
	l.size("spool", "response", &d.Spool.Response, c.Spool.Response, 0)
	l.size("spool", "total", &d.Spool.Total, c.Spool.Total, 0)
	lower(l, "queue", "max", &d.Queue.Max, c.Queue.Max, 0, fmt.Sprint)
	l.span("queue", "timeout", &d.Queue.Timeout, c.Queue.Timeout, math.MaxInt64)
	l.span("timeouts", "startup", &d.Timeouts.Startup, c.Timeouts.Startup, 0)
	l.span("timeouts", "request", &d.Timeouts.Request, c.Timeouts.Request, math.MaxInt64)
	l.span("timeouts", "drain", &d.Timeouts.Drain, c.Timeouts.Drain, 0)
	l.span("timeouts", "websocket_drain", &d.Timeouts.WebSocketDrain, c.Timeouts.WebSocketDrain, 0)
	l.span("timeouts", "stop", &d.Timeouts.Stop, c.Timeouts.Stop, 0)
	return l.found
}

// mostThreads is the largest number of threads that a worker has when its descriptor names none.
func (w WSGI) mostThreads() int {
	if w.Concurrency == Gevent {
		return 200
	}
	return max(5, 4*runtime.NumCPU())
}

// lowering collects what was above its ceiling.
type lowering struct {
	kind  string
	found []Excess
}

func (l *lowering) limits(of *Limits, most Limits) {
	l.size("limits", "body", &of.Body, most.Body, math.MaxInt64)
	l.size("limits", "memory", &of.Memory, most.Memory, math.MaxInt64)
	l.size("limits", "build_memory", &of.BuildMemory, most.BuildMemory, math.MaxInt64)
	l.size("limits", "stack", &of.Stack, most.Stack, 0)
	lower(l, "limits", "cpu", &of.CPU, most.CPU, math.Inf(1), fmt.Sprint)
	lower(l, "limits", "files", &of.Files, most.Files, math.MaxInt, fmt.Sprint)
	lower(l, "limits", "processes", &of.Processes, most.Processes, math.MaxInt, fmt.Sprint)
}

func (l *lowering) count(argument string, value *int, most, zero int) {
	lower(l, l.kind, argument, value, most, zero, fmt.Sprint)
}

func (l *lowering) size(block, argument string, value *int64, most, zero int64) {
	lower(l, block, argument, value, most, zero, func(a ...any) string { return formatSize(a[0].(int64)) })
}

func (l *lowering) span(block, argument string, value *time.Duration, most, zero time.Duration) {
	lower(l, block, argument, value, most, zero, fmt.Sprint)
}

// lower sets value to most when it is larger; zero is what 0 stands for.
func lower[T cmp.Ordered](l *lowering, block, argument string, value *T, most, zero T, text func(...any) string) {
	var none T
	if most == none || max(*value, none) <= most && (*value != none || zero <= most) {
		return
	}
	*value = most
	l.found = append(l.found, Excess{Block: block, Argument: argument, Most: text(most)})
}

// formatSize is a number of bytes as a descriptor says it, in the largest unit that divides it.
func formatSize(n int64) string {
	units := []string{"", "KiB", "MiB", "GiB", "TiB"}
	for n > 0 && n%1024 == 0 && len(units) > 1 {
		n, units = n/1024, units[1:]
	}
	return strconv.FormatInt(n, 10) + units[0]
}
