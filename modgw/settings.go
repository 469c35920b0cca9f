package modgw

import "time"

// ReloadMode says how the host learns that an app's files changed.
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

// ReloadStrategy says how many workers there are while one generation replaces another.
type ReloadStrategy string

// The reload strategies. SideBySide starts all new workers before the old ones end. OneByOne, for
// machines without the memory for that, starts one of them, swaps, lets the old generation drain
// and end, and then starts the rest; it costs throughput for as long as that takes.
const (
	SideBySide ReloadStrategy = "side-by-side"
	OneByOne   ReloadStrategy = "one-by-one"
)

// Reload says which changes of an app's files make a new generation, and when.
type Reload struct {
	Mode      ReloadMode     // how files are watched
	Strategy  ReloadStrategy // order in which workers are replaced
	Watch     []string       // globs relative to Root that count as code beside the code itself
	Ignore    []string       // globs relative to Root that never count
	Settle    time.Duration  // how long no further change may come before the app is reloaded
	MaxSettle time.Duration  // the longest that further changes can put a reload off
}

// Timeouts bound what an app may keep waiting for.
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

// Recycle says when a worker is replaced, and only then retired; zero values mean never.
type Recycle struct {
	Requests int           // requests of a worker; 0: no limit
	Age      time.Duration // age of a worker; 0: no limit
	Memory   int64         // bytes of resident memory
	CPU      time.Duration // CPU is the processor time that a worker may have used.
	Jitter   float64       // 0.1 spreads each limit by ±10 %
}

// IdleStart says when an app's first generation is started.
type IdleStart string

// The idle starts.
const (
	StartEager    IdleStart = "eager"
	StartOnDemand IdleStart = "on-demand"
)

// Idle says when an app without requests has processes.
type Idle struct {
	Start IdleStart // when the app starts

	// SleepAfter is how long the app is without a request before its processes are frozen until the
	// next one; 0: they never are.
	SleepAfter time.Duration

	StopAfter time.Duration // without a request for so long, the workers are stopped; 0: never
}

// Limits bound what an app may use; zero values mean no limit but the system's.
type Limits struct {
	Body   int64 // bytes of a request body; a larger one is answered 413
	Memory int64 // bytes

	// MemorySoft is how many bytes the processes may have before they are slowed down and their
	// memory is taken back first.
	MemorySoft int64

	CPUWeight int // share of the processors when all apps want more than there are; 100 is usual
	IOWeight  int // share of the disks; 100 is usual

	// BuildMemory is how many bytes each process may have that makes the environment or runs the
	// build command; 0: three quarters of the machine's memory.
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

// Spool bounds what the host keeps for clients that are slower than the app, in memory and in files
// of its state folder.
type Spool struct {
	// Upload is how many bytes of a request body the host keeps before a worker that would wait for
	// them gets the request; what is beyond is passed on as it comes. 0: all is passed on as it
	// comes.
	Upload int64

	// Response is how many bytes of a response the host keeps while the client is behind; 0: none,
	// the worker waits.
	Response int64

	// Total bounds both, of all requests of the app together. A request body beyond is answered
	// 503, a response beyond waits for its client. 0: nothing is kept.
	Total int64
}
