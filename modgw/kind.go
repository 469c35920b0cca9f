package modgw

import (
	"path"
	"strings"
)

// Kind is the interface of an app's program; it is the name of the descriptor's kind block.
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

// Concurrency is the way in which a WSGI worker executes several requests at once.
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

// Lifespan controls whether a worker runs the lifespan protocol with an ASGI app.
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
	WebSockets  int    // open at once in each worker, not counting requests; 0: none

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

	// INI are settings of PHP by name, as in php.ini; nil: those of the machine. Command gets them
	// as -d options, and the PHP-FPM at Connect as PHP_ADMIN_VALUE.
	INI map[string]string

	// requests at once in each worker, or in all of Connect; 0: the limit that the program reports
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
