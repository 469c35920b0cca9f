package modgw

import (
	"path"
	"strings"
	"time"
)

// AppName is the label of an app block: letters, digits, "-", "_" and ".", at most 64 bytes.
type AppName string

// MountPath is where an app begins in the URL space: "/" or "/blog", never with a slash at its end.
type MountPath string

// Kind says which contract an app's program speaks; it is the name of the descriptor's kind block.
type Kind string

// The kinds of apps.
const (
	KindWSGI    Kind = "wsgi"
	KindASGI    Kind = "asgi"
	KindGo      Kind = "go"
	KindHTTP    Kind = "http"
	KindFastCGI Kind = "fastcgi"
	KindCGI     Kind = "cgi"
	KindStatic  Kind = "static"
)

// Kinds returns all kinds in the order of the manual.
func Kinds() []Kind {
	return []Kind{KindWSGI, KindASGI, KindGo, KindHTTP, KindFastCGI, KindCGI, KindStatic}
}

// Descriptor is what one app block says, with every default filled in and every path absolute. It
// is plain data, and nothing changes it after the loader made it.
type Descriptor struct {
	Name AppName // label of the app block
	File string  // the descriptor file it came from; "" when it was made from a bare entry
	Line int     // first line of the app block, from 1; 0 without a file
	// lower case, without port; "*.example.com" matches one or more labels; empty: any host
	Hosts []string
	Mount MountPath // never ""

	// MountMatch is a regular expression. The app then answers only those paths below Mount whose
	// beginning it matches up to a slash or the end. What it matches belongs to the mount of the
	// request. Empty means that the app answers all paths below Mount.
	MountMatch string

	Root string // working directory of the app; all relative paths were resolved against it

	Kind    Kind     // kind of the app; decides which of the following is set
	WSGI    *WSGI    // set when Kind is KindWSGI, and so on: exactly one of these is not nil
	ASGI    *ASGI    //
	Go      *Go      //
	HTTP    *HTTP    //
	FastCGI *FastCGI //
	CGI     *CGI     //
	Static  *Static  //

	Authorize *Authorize // nil: the app decides on no requests but its own

	// the one worker is not started but attaches to the host, from a debugger for example
	Attach  bool
	Python  Python
	Build   *Build            // nil: nothing is built beside the environment
	Env     map[string]string // env and env_file together; env wins
	EnvFile string            // absolute; "" without one

	// BuildEnv and BuildSecrets are variables for builds of the environment and for the build
	// block's command, and not for the app itself. Another value in BuildEnv makes another
	// environment; one in BuildSecrets does not.
	BuildEnv, BuildSecrets map[string]string

	Owner string // user who can change File, or Root without one; "": the host's own user alone
	// DiskQuota is how many bytes of the host's disk all apps of Owner may use together, as the
	// host file says; 0: any number.
	DiskQuota int64

	User  string // "": the host's own user
	Group string // "": the user's own groups

	// ErrorPages are files below Root that the host answers with in place of its own error pages,
	// by status.
	ErrorPages map[int]string

	// Groups are the supplementary groups of the app's processes. Empty means those of the user.
	Groups []string

	// Umask is the file mode mask of the app's processes in octal, such as "0027". Empty means the
	// host's.
	Umask string

	// Nice is added to the nice value of the app's processes: 19 is the lowest priority, and less
	// than zero is a higher one than the host's. Zero means that of the host.
	Nice int

	// Home is the absolute path of the working directory of the app's processes. Empty means Root.
	Home    string
	Aliases []Alias // longest Path first

	Sendfiles []Sendfile // folders with files that the app may let the host send

	Reload   Reload   // changes that start new workers
	Timeouts Timeouts // limits of time
	Queue    Queue    // requests that wait for a worker
	Recycle  Recycle  // when workers are replaced
	Idle     Idle     // when workers start and stop
	Limits   Limits   // limits of requests and processes
	Sandbox  *Sandbox // confinement of processes; nil: none
	Health   Health   // request that new workers must answer
	Spool    Spool    // parts of bodies kept for slow clients

	// Sources are the files beside File that were read to make the descriptor, by file(),
	// fileset(), secret() and env_file: a change to one of them is a change of the descriptor.
	Sources []string

	// SecretFiles are those of Sources that secret() read. Each is as absolute as in Sources.
	SecretFiles []string

	// HostVariables are the names of the variables of the host's environment that env() looked up,
	// in that order, whether the host has them or not.
	HostVariables []string

	// Secrets are the values that must not be shown to anybody; see [Descriptor.Redacted].
	Secrets []string
}

// Entry is what the block of a wsgi or asgi app names; "" for an app of another kind.
func (d Descriptor) Entry() string {
	switch {
	case d.WSGI != nil:
		return d.WSGI.Entry
	case d.ASGI != nil:
		return d.ASGI.Entry
	}
	return ""
}

// UsesPython reports whether the app runs in a Python environment: a wsgi or asgi app does, and so
// does a program of another kind whose descriptor says so.
func (d Descriptor) UsesPython() bool {
	return d.Kind == KindWSGI || d.Kind == KindASGI || d.Python.Program
}

// Concurrency says what executes the requests that a WSGI worker has at once.
type Concurrency string

// The concurrencies.
const (
	Threads Concurrency = "threads"
	// greenlets in one thread; the app's environment must have gevent
	Gevent Concurrency = "gevent"
)

// WSGI runs a PEP 3333 callable.
type WSGI struct {
	Entry   string // an absolute file, or "package.module:callable", or "package.module:factory()"
	Workers int    // processes, or the least of them; 0: number of CPUs
	// requests at once in each worker; 0: as many as suit the interpreter and Concurrency
	Threads int

	MaxWorkers int // processes under load; 0: as many as Workers

	Concurrency Concurrency // "": threads
	Compat      Compat      // "": none
}

// Compat names a server whose extensions of WSGI an app finds in environ.
type Compat string

// ModWSGI gives each environ the keys that mod_wsgi has there.
const ModWSGI Compat = "mod_wsgi"

// Lifespan says whether a worker lets an ASGI app start and shut down by the lifespan protocol.
type Lifespan string

// The lifespans.
const (
	// an app that raises before it receives lifespan.startup has none
	LifespanAuto Lifespan = "auto"
	LifespanOn   Lifespan = "on"  // such an app cannot start
	LifespanOff  Lifespan = "off" // the app is not asked
)

// ASGI runs an ASGI 3 (or 2) application.
type ASGI struct {
	Entry       string // as in [WSGI]
	Workers     int    // processes, or the least of them; 0: number of CPUs
	MaxWorkers  int    // processes under load; 0: as many as Workers
	Concurrency int    // requests at once in each worker; never 0
	WebSockets  int    // open at once in each worker, beside the requests; 0: none

	Lifespan Lifespan // "": LifespanAuto

	// Resume lets WebSockets and event streams go on with the next generation, or worker. False
	// ends them when theirs is replaced.
	Resume bool
}

// Go builds a package of the app's own module and runs it; the program speaks HTTP.
type Go struct {
	Package    string   // such as "./cmd/shop"
	Args       []string // arguments of the program
	Workers    int      // processes, or the least of them; 0: one
	MaxWorkers int      // processes under load; 0: as many as Workers
	StripMount bool     // take the mount off the path
}

// HTTP runs any program that serves HTTP on $PORT or on the inherited socket.
type HTTP struct {
	Command []string // program and its arguments

	KeepPackages bool // nothing is installed from a package-lock.json
	Workers      int  // processes, or the least of them; 0: one
	MaxWorkers   int  // processes under load; 0: as many as Workers
	StripMount   bool // take the mount off the path
}

// FastCGI spawns a FastCGI program, or connects to one that runs already.
type FastCGI struct {
	Command []string // spawned with its listening socket as descriptor 0; empty with Connect
	Connect string   // "unix:PATH" or "HOST:PORT"
	// folder of the scripts that it executes; "": Root when Command is PHP, else it answers all
	// paths itself
	ScriptRoot string
	// script for a folder, and in ScriptRoot for each path that names nothing; "": index.php
	Index      string
	Workers    int // processes, or the least of them; 0: one
	MaxWorkers int // processes under load; 0: as many as Workers

	// INI are settings of PHP by name, as in php.ini; nil: those of the machine. They are given to
	// Command as -d options, and to the PHP-FPM at Connect as PHP_ADMIN_VALUE.
	INI map[string]string

	// requests at once in each worker, or in all of Connect; 0: what the program says that it can
	Concurrency int
}

// IsPHP reports whether the program that is started is PHP, by its name.
func (f FastCGI) IsPHP() bool {
	return len(f.Command) > 0 && strings.HasPrefix(path.Base(f.Command[0]), "php")
}

// Scripts is the folder of the scripts that the program executes; "" when it answers all paths
// itself. root is the app's.
func (f FastCGI) Scripts(root string) string {
	if f.ScriptRoot == "" && f.IsPHP() {
		return root
	}
	return f.ScriptRoot
}

// CGI runs one process for each request (RFC 3875).
type CGI struct {
	Dir    string // the next path segment names the script in it
	Script string // or one script for all

	Concurrency int // scripts that run at once; 0: ten
}

// Static serves files.
type Static struct {
	Dir   string // absolute path of the folder
	Files Files  // how its files are served
}

// Python says which interpreter and which packages an app runs with.
type Python struct {
	// "3.12", ">=3.10,<3.14", "pypy3.9", "3.14t" or an absolute path; "": what the project asks for
	Version      string
	Requirements []string // absolute requirement files
	Packages     []string // PEP 508 requirements, in place of files
	Extras       []string // optional dependencies of the project to install as well
	Groups       []string // dependency groups of the project to install as well (PEP 735)
	Venv         string   // an existing virtual environment that is used as it is
	Path         []string // extra sys.path entries, absolute
	Program      bool     // a program that is neither wsgi nor asgi runs in the environment
	NoTemplate   bool     // every worker is started on its own, with nothing loaded
	NoMetrics    bool     // the metrics of prometheus_client are left to the app

	// OpenTelemetry is set for an app whose workers start its own OpenTelemetry before they load
	// it.
	OpenTelemetry bool
}

// Authorize names callables of a WSGI app's Python that tell a web server whether to let a request
// for something else through (FastCGI authorizer role). Each is an absolute file, or
// "package.module:callable"; "" leaves the question out.
type Authorize struct {
	// check_password(environ, user, password): True, False, or None for a user who is not known
	CheckPassword string
	GroupsForUser string   // groups_for_user(environ, user): the user's groups
	Groups        []string // the user must be in one of these; empty: any user
	// allow_access(environ, host): True, False, or None to leave it to others
	AllowAccess string
}

// Build is a command that makes files of the app from others, such as a front end from its sources.
// It runs in Root when what it is made from has changed.
type Build struct {
	Command []string // program and arguments; never empty
	// globs relative to Root of the files that it reads; empty: it runs once, until its command
	// changes
	Inputs []string
}

// Alias is a URL path below the mount whose files the host serves without asking the app. Exactly
// one of Dir and File is set.
type Alias struct {
	Path  string // "/static", relative to the mount
	Dir   string // absolute folder whose files are below Path; ""
	File  string // absolute file that Path itself means; ""
	Files Files  // how its files are served
}

// URL is the path of the alias for an app that is mounted there, with a slash at its end when it is
// one of a folder.
func (a Alias) URL(mount MountPath) string {
	url := strings.TrimSuffix(string(mount), "/") + strings.TrimSuffix(a.Path, "/")
	if a.File != "" {
		return url
	}
	return url + "/"
}

// Files says how files are served.
type Files struct {
	Index []string // names that a folder answers with, the first that is there; empty: 404
	Cache string   // the Cache-Control of every file; "": none is sent
	// content types by lower-case extension, such as ".wasm", beside those that are known
	Types map[string]string
}

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

// Upgrades reports whether an app may speak WebSocket.
func (d Descriptor) Upgrades() bool {
	return d.Kind == KindASGI || d.Kind == KindHTTP || d.Kind == KindGo
}
