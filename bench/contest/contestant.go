package contest

import "fmt"

// Front is what stands between the client and a contestant.
type Front string

const (
	Direct Front = "direct" // nothing: it speaks HTTP itself
	Apache Front = "apache" // Apache with the event MPM, as the contestant's own manual says
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

// Setting is how contestants are started to be compared.
type Setting struct {
	Site    Site  // the app that is served
	Front   Front // the server that the client asks
	Workers int   // processes that run the app
	Threads int   // threads of each worker; ASGI has one whatever this says

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

// Contestant is one server, in one of the ways to run it.
type Contestant struct {
	Name string // as reports name it

	// serves says whether it can be started so.
	serves func(Setting) bool
	// missing says what it needs and is not installed; "": it can run. nil: it needs nothing.
	missing func(*Kit) string
	// launch says how it is started. Relative files are written into the place's folder by it.
	launch func(*Kit, Setting, Place) (Launch, error)
}

const (
	Ours    = "modgw"                  // is compared with the others
	Default = "modgw, default threads" // is modgw without a number of threads in its descriptor
	Stdlib  = "wsgiref"                // is there wherever Python is
)

// Place is where a contestant runs.
type Place struct {
	Dir    string // its own folder with the sites, which everybody may enter
	Port   int    // port that the client asks: the contestant's, or that of its Apache
	Socket string // path of a Unix socket, behind Apache
}

func (p Place) address() string { return fmt.Sprintf("127.0.0.1:%d", p.Port) }

// Launch is a command and what Apache has to be told.
type Launch struct {
	Command []string // empty: Apache runs the app itself
	Apache  httpd    // behind Apache
}

// mostConnections is how many connections at once a server is told to take, if it has a limit of
// them.
const mostConnections = 15_000

// All are modgw first and then the others.
func All() []Contestant {
	return []Contestant{
		modgw, modgwDefault, modgwHTTP, modWSGIDaemon, modWSGIEmbedded, uWSGI, gunicornSync, gunicornThreads, granian, uvicorn, hypercorn, stdlib,
	}
}

// Serves says whether the contestant can be started with a setting.
func (c Contestant) Serves(s Setting) bool { return c.serves(s) }

func wsgiOnly(s Setting) bool    { return s.Site.Kind == WSGI }
func anything(Setting) bool      { return true }
func oneThread(s Setting) bool   { return wsgiOnly(s) && s.Threads == 1 }
func moreThreads(s Setting) bool { return wsgiOnly(s) && s.Threads > 1 }
func both(a, b func(Setting) bool) func(Setting) bool {
	return func(s Setting) bool { return a(s) && b(s) }
}

// pages are what apps with a framework answer.
func pages(s Setting) bool        { return s.Site == Flask || s.Site == Django }
func behindApache(s Setting) bool { return s.Front == Apache }
func direct(s Setting) bool       { return s.Front == Direct }
