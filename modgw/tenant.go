package modgw

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"time"
)

// Tenant limits the claims and the settings in the descriptors of one user.
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

	// Sandbox limits the sandbox that every app then has: its lists are the most that those of the
	// app may contain. nil: apps may have one.
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

// Lower reduces the settings of d that exceed their ceilings, and returns them. A setting whose
// zero means no limit then exceeds every ceiling. Nothing else may use d yet.
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
	limitCeiling("body", func(l *Limits) *int64 { return &l.Body }, math.MaxInt64, FormatSize),
	limitCeiling("memory", func(l *Limits) *int64 { return &l.Memory }, math.MaxInt64, FormatSize),
	limitCeiling("build_memory", func(l *Limits) *int64 { return &l.BuildMemory }, math.MaxInt64, FormatSize),
	limitCeiling("stack", func(l *Limits) *int64 { return &l.Stack }, 0, FormatSize),
	limitCeiling("cpu", func(l *Limits) *float64 { return &l.CPU }, math.Inf(1), formatAny),
	limitCeiling("files", func(l *Limits) *int { return &l.Files }, math.MaxInt, formatAny),
	limitCeiling("processes", func(l *Limits) *int { return &l.Processes }, math.MaxInt, formatAny),
	limitCeiling("cpu_weight", func(l *Limits) *int { return &l.CPUWeight }, 100, formatAny),
	limitCeiling("io_weight", func(l *Limits) *int { return &l.IOWeight }, 100, formatAny),
	ceilingOf("queue", "max", func(d *Descriptor) *int { return &d.Queue.Max },
		func(c *Ceilings) *int { return &c.Queue.Max }, fixed(0), formatAny),
	ceilingOf("queue", "timeout", func(d *Descriptor) *time.Duration { return &d.Queue.Timeout },
		func(c *Ceilings) *time.Duration { return &c.Queue.Timeout }, fixed[time.Duration](math.MaxInt64), formatAny),
	timeoutCeiling("startup", func(t *Timeouts) *time.Duration { return &t.Startup }, 0),
	timeoutCeiling("request", func(t *Timeouts) *time.Duration { return &t.Request }, math.MaxInt64),
	timeoutCeiling("drain", func(t *Timeouts) *time.Duration { return &t.Drain }, 0),
	timeoutCeiling("websocket_drain", func(t *Timeouts) *time.Duration { return &t.WebSocketDrain }, 0),
	timeoutCeiling("stop", func(t *Timeouts) *time.Duration { return &t.Stop }, 0),
	spoolCeiling("upload", func(s *Spool) *int64 { return &s.Upload }),
	spoolCeiling("response", func(s *Spool) *int64 { return &s.Response }),
	spoolCeiling("total", func(s *Spool) *int64 { return &s.Total }),
}

// limitCeiling, timeoutCeiling and spoolCeiling are for the blocks that descriptors and ceilings
// both have.
func limitCeiling[T cmp.Ordered](argument string, of func(*Limits) *T, zero T, text func(T) string) ceilingSetting {
	return ceilingOf("limits", argument, func(d *Descriptor) *T { return of(&d.Limits) },
		func(c *Ceilings) *T { return of(&c.Limits) }, fixed(zero), text)
}

func timeoutCeiling(argument string, of func(*Timeouts) *time.Duration, zero time.Duration) ceilingSetting {
	return ceilingOf("timeouts", argument, func(d *Descriptor) *time.Duration { return of(&d.Timeouts) },
		func(c *Ceilings) *time.Duration { return of(&c.Timeouts) }, fixed(zero), formatAny)
}

func spoolCeiling(argument string, of func(*Spool) *int64) ceilingSetting {
	return ceilingOf("spool", argument, func(d *Descriptor) *int64 { return of(&d.Spool) },
		func(c *Ceilings) *int64 { return of(&c.Spool) }, fixed[int64](0), FormatSize)
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
// is the meaning of 0 in a descriptor.
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

// fixed returns the meaning of 0 if it is the same in every descriptor.
func fixed[T any](zero T) func(*Descriptor) T { return func(*Descriptor) T { return zero } }

func formatAny[T any](v T) string { return fmt.Sprint(v) }

// defaultWorkers returns the default number of workers of an app.
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

// workersOf returns the fields with the least and the most workers; nil for a kind without workers.
func workersOf(d *Descriptor) (least, most *int) {
	switch {
	case d.WSGI != nil:
		return &d.WSGI.Workers, &d.WSGI.MaxWorkers
	case d.ASGI != nil:
		return &d.ASGI.Workers, &d.ASGI.MaxWorkers
	case d.Go != nil:
		return &d.Go.Workers, &d.Go.MaxWorkers
	case d.HTTP != nil:
		return &d.HTTP.Workers, &d.HTTP.MaxWorkers
	case d.FastCGI != nil:
		return &d.FastCGI.Workers, &d.FastCGI.MaxWorkers
	}
	return nil, nil
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

// FormatSize formats a number of bytes as in descriptors, in the largest unit that divides it.
func FormatSize(n int64) string {
	units := []string{"", "KiB", "MiB", "GiB", "TiB"}
	for n > 0 && n%1024 == 0 && len(units) > 1 {
		n, units = n/1024, units[1:]
	}
	return strconv.FormatInt(n, 10) + units[0]
}
