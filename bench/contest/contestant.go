package contest

import "fmt"

// Front is the server between the client and a contestant.
type Front string

const (
	Direct Front = "direct" // no server: the contestant speaks HTTP itself
	Apache Front = "apache" // Apache with the event MPM, set up as the contestant's manual says
)

// Kind is the interface of an app.
type Kind string

const (
	WSGI Kind = "wsgi" // the app is a WSGI callable
	ASGI Kind = "asgi" // the app is an ASGI callable
)

// Site is an app that all contestants of a kind serve.
type Site struct {
	Name  string // as reports name it
	Kind  Kind   // interface between server and app
	Entry string // module:callable
}

// The sites, in the files of the folder sites.
var (
	RawWSGI = Site{"bare WSGI", WSGI, "raw_wsgi:application"}
	RawASGI = Site{"bare ASGI", ASGI, "raw_asgi:application"}
	Flask   = Site{"Flask", WSGI, "flask_site:application"}
	Django  = Site{"Django", WSGI, "django_site:application"}
)

// Setting describes how the contestants of a comparison are started.
type Setting struct {
	Site    Site  // the app that is served
	Front   Front // the server that the client connects to
	Workers int   // processes that run the app
	Threads int   // threads of each worker; ASGI workers have one, whatever the value

	Dependency bool // the site requires a package, which modgw installs by itself
}

func (s Setting) String() string {
	return fmt.Sprintf("%s %s, %s, %s", s.Site.Name, s.Front, count(s.Workers, "worker"), count(s.Threads, "thread"))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Contestant is a server, in one of the ways to run it.
type Contestant struct {
	Name string // as reports name it

	// serves reports whether the contestant can be started with a setting.
	serves func(Setting) bool
	// missing names a requirement that is not installed, or returns "" if the contestant can run.
	// nil: it requires nothing.
	missing func(*Kit) string
	// launch returns the command that starts the contestant. It writes files with relative paths
	// into the folder of the place.
	launch func(*Kit, Setting, Place) (Launch, error)
}

const (
	Ours    = "modgw"                  // is compared with the others
	Default = "modgw, default threads" // is modgw without a number of threads in its descriptor
	Stdlib  = "wsgiref"                // comes with every Python
)

// Place is the place in which a contestant runs.
type Place struct {
	Dir    string // its own folder with the sites, which everyone may enter
	Port   int    // port that the client connects to: the contestant's, or its Apache's
	Socket string // path of a Unix socket, behind Apache
}

func (p Place) address() string { return fmt.Sprintf("127.0.0.1:%d", p.Port) }

// Launch is a command, and the settings of Apache that go with it.
type Launch struct {
	Command []string // empty: Apache runs the app itself
	Apache  httpd    // behind Apache
}

// mostConnections is the limit of connections for servers that have such a limit.
const mostConnections = 15_000

// All returns all contestants, modgw first.
func All() []Contestant {
	return []Contestant{
		modgw, modgwDefault, modgwHTTP, modWSGIDaemon, modWSGIEmbedded, uWSGI, gunicornSync, gunicornThreads, granian, uvicorn, hypercorn, stdlib,
	}
}

// Serves reports whether the contestant can be started with a setting.
func (c Contestant) Serves(s Setting) bool { return c.serves(s) }

func wsgiOnly(s Setting) bool    { return s.Site.Kind == WSGI }
func anything(Setting) bool      { return true }
func oneThread(s Setting) bool   { return wsgiOnly(s) && s.Threads == 1 }
func moreThreads(s Setting) bool { return wsgiOnly(s) && s.Threads > 1 }
func both(a, b func(Setting) bool) func(Setting) bool {
	return func(s Setting) bool { return a(s) && b(s) }
}

// pages reports whether the site is an app with a framework.
func pages(s Setting) bool        { return s.Site == Flask || s.Site == Django }
func behindApache(s Setting) bool { return s.Front == Apache }
func direct(s Setting) bool       { return s.Front == Direct }
