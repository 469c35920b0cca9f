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
	Disk     int64       // bytes of the host's disk for all apps together; 0: any number
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
	Workers     int      // processes of an app
	Threads     int      // requests at once in each WSGI worker
	Concurrency int      // requests at once of an app of another kind
	WebSockets  int      // open at once in each ASGI worker
	Limits      Limits   // limits of requests and processes
	Queue       Queue    // requests that wait for a worker
	Timeouts    Timeouts // times that the host waits for an app
	Spool       Spool    // parts of bodies kept for slow clients

	// Sandbox is what every app has a sandbox within: its lists are the most that those of the app
	// may name. nil: apps may have one.
	Sandbox *Sandbox
}

// Ceiling is one setting of a descriptor with the most that it may be.
type Ceiling struct {
	Block    string // block of the setting in an app block; "": that of the kind
	Argument string // name of the setting
	Most     string // ceiling, as it is written in a descriptor
}

// String is the name of the setting: "limits.memory".
func (c Ceiling) String() string {
	if c.Block == "" {
		return c.Argument
	}
	return c.Block + "." + c.Argument
}

// List returns the ceilings that there are, in the order of the manual.
func (c Ceilings) List() []Ceiling {
	var all []Ceiling
	for _, s := range ceilingSettings {
		if most := s.most(&c); most != "" {
			all = append(all, Ceiling{s.block, s.argument, most})
		}
	}
	return append(all, c.sandbox()...)
}

// sandbox returns the ceilings of sandboxes.
func (c Ceilings) sandbox() []Ceiling {
	s := c.Sandbox
	if s == nil {
		return nil
	}
	return []Ceiling{
		{"sandbox", "read", fmt.Sprintf("%q", s.Read)},
		{"sandbox", "write", fmt.Sprintf("%q", s.Write)},
		{"sandbox", "network", fmt.Sprint(s.Network)},
		{"sandbox", "learn", strconv.FormatBool(s.Learn)},
	}
}

// Lower sets the settings of d that are above their ceilings to them, and returns which they were.
// A setting whose zero means no limit is above every ceiling then. Nothing else may use d yet.
func (c Ceilings) Lower(d *Descriptor) []Ceiling {
	var lowered []Ceiling
	for _, s := range ceilingSettings {
		if s.lower(&c, d) {
			lowered = append(lowered, Ceiling{cmp.Or(s.block, string(d.Kind)), s.argument, s.most(&c)})
		}
	}
	return lowered
}

// ceilingSetting is a setting that can have a ceiling.
type ceilingSetting struct {
	block, argument string

	most  func(*Ceilings) string // ceiling as text; "": none
	lower func(*Ceilings, *Descriptor) bool
}

// ceilingSettings are the settings that cost the host or its neighbours something.
var ceilingSettings = []ceilingSetting{
	workersCeiling,
	ceilingOf("", "threads", threadsOf, func(c *Ceilings) *int { return &c.Threads }, defaultThreads, formatAny),
	ceilingOf("", "concurrency", concurrencyOf, func(c *Ceilings) *int { return &c.Concurrency }, fixed(0), formatAny),
	ceilingOf("", "websockets", webSocketsOf, func(c *Ceilings) *int { return &c.WebSockets }, fixed(0), formatAny),
	ceilingOf("limits", "body", func(d *Descriptor) *int64 { return &d.Limits.Body },
		func(c *Ceilings) *int64 { return &c.Limits.Body }, fixed[int64](math.MaxInt64), FormatSize),
	ceilingOf("limits", "memory", func(d *Descriptor) *int64 { return &d.Limits.Memory },
		func(c *Ceilings) *int64 { return &c.Limits.Memory }, fixed[int64](math.MaxInt64), FormatSize),
	ceilingOf("limits", "build_memory", func(d *Descriptor) *int64 { return &d.Limits.BuildMemory },
		func(c *Ceilings) *int64 { return &c.Limits.BuildMemory }, fixed[int64](math.MaxInt64), FormatSize),
	ceilingOf("limits", "stack", func(d *Descriptor) *int64 { return &d.Limits.Stack },
		func(c *Ceilings) *int64 { return &c.Limits.Stack }, fixed[int64](0), FormatSize),
	ceilingOf("limits", "cpu", func(d *Descriptor) *float64 { return &d.Limits.CPU },
		func(c *Ceilings) *float64 { return &c.Limits.CPU }, fixed(math.Inf(1)), formatAny),
	ceilingOf("limits", "files", func(d *Descriptor) *int { return &d.Limits.Files },
		func(c *Ceilings) *int { return &c.Limits.Files }, fixed(math.MaxInt), formatAny),
	ceilingOf("limits", "processes", func(d *Descriptor) *int { return &d.Limits.Processes },
		func(c *Ceilings) *int { return &c.Limits.Processes }, fixed(math.MaxInt), formatAny),
	ceilingOf("limits", "cpu_weight", func(d *Descriptor) *int { return &d.Limits.CPUWeight },
		func(c *Ceilings) *int { return &c.Limits.CPUWeight }, fixed(100), formatAny),
	ceilingOf("limits", "io_weight", func(d *Descriptor) *int { return &d.Limits.IOWeight },
		func(c *Ceilings) *int { return &c.Limits.IOWeight }, fixed(100), formatAny),
	ceilingOf("queue", "max", func(d *Descriptor) *int { return &d.Queue.Max },
		func(c *Ceilings) *int { return &c.Queue.Max }, fixed(0), formatAny),
	ceilingOf("queue", "timeout", func(d *Descriptor) *time.Duration { return &d.Queue.Timeout },
		func(c *Ceilings) *time.Duration { return &c.Queue.Timeout }, fixed[time.Duration](math.MaxInt64), formatAny),
	ceilingOf("timeouts", "startup", func(d *Descriptor) *time.Duration { return &d.Timeouts.Startup },
		func(c *Ceilings) *time.Duration { return &c.Timeouts.Startup }, fixed[time.Duration](0), formatAny),
	ceilingOf("timeouts", "request", func(d *Descriptor) *time.Duration { return &d.Timeouts.Request },
		func(c *Ceilings) *time.Duration { return &c.Timeouts.Request }, fixed[time.Duration](math.MaxInt64), formatAny),
	ceilingOf("timeouts", "drain", func(d *Descriptor) *time.Duration { return &d.Timeouts.Drain },
		func(c *Ceilings) *time.Duration { return &c.Timeouts.Drain }, fixed[time.Duration](0), formatAny),
	ceilingOf("timeouts", "websocket_drain", func(d *Descriptor) *time.Duration { return &d.Timeouts.WebSocketDrain },
		func(c *Ceilings) *time.Duration { return &c.Timeouts.WebSocketDrain }, fixed[time.Duration](0), formatAny),
	ceilingOf("timeouts", "stop", func(d *Descriptor) *time.Duration { return &d.Timeouts.Stop },
		func(c *Ceilings) *time.Duration { return &c.Timeouts.Stop }, fixed[time.Duration](0), formatAny),
	ceilingOf("spool", "upload", func(d *Descriptor) *int64 { return &d.Spool.Upload },
		func(c *Ceilings) *int64 { return &c.Spool.Upload }, fixed[int64](0), FormatSize),
	ceilingOf("spool", "response", func(d *Descriptor) *int64 { return &d.Spool.Response },
		func(c *Ceilings) *int64 { return &c.Spool.Response }, fixed[int64](0), FormatSize),
	ceilingOf("spool", "total", func(d *Descriptor) *int64 { return &d.Spool.Total },
		func(c *Ceilings) *int64 { return &c.Spool.Total }, fixed[int64](0), FormatSize),
}

// workersCeiling holds for the most workers that a descriptor asks for.
var workersCeiling = ceilingSetting{
	argument: "workers",
	most: func(c *Ceilings) string {
		if c.Workers == 0 {
			return ""
		}
		return strconv.Itoa(c.Workers)
	},
	lower: func(c *Ceilings, d *Descriptor) bool {
		scale := d.Scale()
		if c.Workers == 0 || scale.Max <= c.Workers {
			return false
		}
		*d = d.WithScale(Scale{min(scale.Min, c.Workers), c.Workers})
		return true
	},
}

// ceilingOf makes a ceilingSetting. of is nil for a descriptor that does not have the setting; zero
// is what 0 stands for in a descriptor.
func ceilingOf[T cmp.Ordered](
	block, argument string, of func(*Descriptor) *T, most func(*Ceilings) *T, zero func(*Descriptor) T, text func(T) string,
) ceilingSetting {
	var none T
	return ceilingSetting{
		block: block, argument: argument,
		most: func(c *Ceilings) string {
			if *most(c) == none {
				return ""
			}
			return text(*most(c))
		},
		lower: func(c *Ceilings, d *Descriptor) bool {
			value, limit := of(d), *most(c)
			if value == nil || limit == none {
				return false
			}
			meant := *value
			if meant == none {
				meant = zero(d)
			}
			if meant <= limit {
				return false
			}
			*value = limit
			return true
		},
	}
}

// fixed is what 0 stands for in every descriptor.
func fixed[T any](zero T) func(*Descriptor) T { return func(*Descriptor) T { return zero } }

func formatAny[T any](v T) string { return fmt.Sprint(v) }

// defaultWorkers is how many workers an app has whose descriptor does not say.
func defaultWorkers(d *Descriptor) int {
	if d.WSGI != nil || d.ASGI != nil {
		return runtime.NumCPU()
	}
	return 1
}

// defaultThreads is the largest number of threads that a worker has whose descriptor names none.
func defaultThreads(d *Descriptor) int {
	if d.WSGI.Concurrency == Gevent {
		return 200
	}
	return max(5, 4*runtime.NumCPU())
}

func workersOf(d *Descriptor) *int {
	switch {
	case d.WSGI != nil:
		return &d.WSGI.Workers
	case d.ASGI != nil:
		return &d.ASGI.Workers
	case d.Go != nil:
		return &d.Go.Workers
	case d.HTTP != nil:
		return &d.HTTP.Workers
	case d.FastCGI != nil:
		return &d.FastCGI.Workers
	}
	return nil
}

// maxWorkersOf is nil where workersOf is.
func maxWorkersOf(d *Descriptor) *int {
	switch {
	case d.WSGI != nil:
		return &d.WSGI.MaxWorkers
	case d.ASGI != nil:
		return &d.ASGI.MaxWorkers
	case d.Go != nil:
		return &d.Go.MaxWorkers
	case d.HTTP != nil:
		return &d.HTTP.MaxWorkers
	case d.FastCGI != nil:
		return &d.FastCGI.MaxWorkers
	}
	return nil
}

func threadsOf(d *Descriptor) *int {
	if d.WSGI == nil {
		return nil
	}
	return &d.WSGI.Threads
}

func concurrencyOf(d *Descriptor) *int {
	switch {
	case d.ASGI != nil:
		return &d.ASGI.Concurrency
	case d.FastCGI != nil:
		return &d.FastCGI.Concurrency
	case d.CGI != nil:
		return &d.CGI.Concurrency
	}
	return nil
}

func webSocketsOf(d *Descriptor) *int {
	if d.ASGI == nil {
		return nil
	}
	return &d.ASGI.WebSockets
}

// FormatSize returns a number of bytes as a descriptor says it, in the largest unit that divides
// it.
func FormatSize(n int64) string {
	units := []string{"", "KiB", "MiB", "GiB", "TiB"}
	for n > 0 && n%1024 == 0 && len(units) > 1 {
		n, units = n/1024, units[1:]
	}
	return strconv.FormatInt(n, 10) + units[0]
}
