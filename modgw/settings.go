package modgw

import "time"

// ReloadMode is the way in which the host notices that an app's files changed.
type ReloadMode string

// The reload modes. Auto is inotify where events can be trusted and polling elsewhere; Touch
// reloads only when the descriptor or the entry file changes.
const (
	ReloadAuto    ReloadMode = "auto"
	ReloadInotify ReloadMode = "inotify"
	ReloadPoll    ReloadMode = "poll"
	ReloadTouch   ReloadMode = "touch"
	ReloadOff     ReloadMode = "off"
)

// ReloadStrategy controls the number of workers while one generation replaces another.
type ReloadStrategy string

// The reload strategies. SideBySide starts all new workers before the old ones end. OneByOne is for
// machines without enough memory for that: it starts one of them, swaps, lets the old generation
// drain and end, and then starts the rest. It costs throughput during that time.
const (
	SideBySide ReloadStrategy = "side-by-side"
	OneByOne   ReloadStrategy = "one-by-one"
)

// Reload controls which changes of an app's files make a new generation, and when.
type Reload struct {
	Mode      ReloadMode     // how files are watched
	Strategy  ReloadStrategy // order in which workers are replaced
	Watch     []string       // globs relative to Root of more files that count as code
	Ignore    []string       // globs relative to Root that never count
	Settle    time.Duration  // how long no further change may come before the app is reloaded
	MaxSettle time.Duration  // the longest that further changes can put a reload off
}

// Timeouts limit the time that an app may take.
type Timeouts struct {
	Startup time.Duration // from spawning a worker until it is ready
	// from handing a request to a worker until its response is complete; 0: none
	Request time.Duration
	// from handing a request to a worker until it is logged as slow, if its response is not
	// complete then; 0: never
	Slow time.Duration
	// from raising an exception in the thread of a WSGI app whose Request is over until its worker
	// is replaced; 0: it is replaced at once, and no exception is raised
	Interrupt      time.Duration
	Drain          time.Duration // how long a replaced generation may finish its requests
	WebSocketDrain time.Duration // drain limit of WebSockets and event streams
	Stop           time.Duration // from SIGTERM to SIGKILL
}

// Queue bounds the requests that wait for a free worker; a request beyond it is answered 503 with
// Retry-After.
type Queue struct {
	Max     int           // 0: none may wait
	Timeout time.Duration // 0: no limit
}

// Recycle has the limits after which a worker is first replaced and then retired; zero values mean
// never.
type Recycle struct {
	Requests int           // requests of a worker; 0: no limit
	Age      time.Duration // age of a worker; 0: no limit
	Memory   int64         // bytes of resident memory
	CPU      time.Duration // CPU is the processor time that a worker may have used.
	Jitter   float64       // 0.1 spreads each limit by ±10 %
}

// IdleStart controls when an app's first generation is started.
type IdleStart string

// The idle starts.
const (
	StartEager    IdleStart = "eager"
	StartOnDemand IdleStart = "on-demand"
)

// Idle controls when an app without requests has processes.
type Idle struct {
	Start IdleStart // when the app starts

	// SleepAfter is the time without a request after which the app's processes are frozen until the
	// next one; 0: never.
	SleepAfter time.Duration

	StopAfter time.Duration // without a request for so long, the workers are stopped; 0: never
}

// Limits limit the resources of an app; zero values mean that only the system's limits apply.
type Limits struct {
	Body   int64 // bytes of a request body; a larger one is answered 413
	Memory int64 // bytes

	// MemorySoft is the number of bytes beyond which the processes are slowed down and their memory
	// is reclaimed first.
	MemorySoft int64

	CPUWeight int // share of the processors when all apps want more than there are; 100 is usual
	IOWeight  int // share of the disks; 100 is usual

	// BuildMemory is the memory limit in bytes of each process that builds the environment or runs
	// the build command; 0: three quarters of the machine's memory.
	BuildMemory int64

	CPU       float64 // CPUs: 0.5 is half of one
	Files     int     // open files of each worker
	Processes int     // processes and threads; 0: no limit

	// Stack is the bytes of stack of each thread. Zero means the system's default.
	Stack int64
}

// Health is the request that a new generation must answer with a status below 400 before it takes
// over.
type Health struct {
	Path    string        // relative to the mount; "": no such request is made
	Timeout time.Duration // how long the answer may take
}

// Spool limits the bytes that the host keeps for clients that are slower than the app, in memory
// and in files of its state folder.
type Spool struct {
	// Upload is the number of bytes of a request body that the host receives before it gives the
	// request to a worker, which would otherwise wait for them. The rest is passed on as it
	// arrives. 0: all of it is.
	Upload int64

	// Response is the number of bytes of a response that the host keeps while the client is behind;
	// 0: none, so that the worker waits.
	Response int64

	// Total bounds both, of all requests of the app together. A request body beyond is answered
	// 503, a response beyond waits for its client. 0: nothing is kept.
	Total int64
}
