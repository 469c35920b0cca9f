package modgw

// AppName is the label of an app block: letters, digits, "-", "_" and ".", at most 64 bytes.
type AppName string

// MountPath is where an app begins in the URL space: "/" or "/blog", never with a slash at its end.
type MountPath string

// Descriptor has the contents of one app block, with every default filled in and every path
// absolute. It is plain data, and is not changed after the loader made it.
type Descriptor struct {
	Name AppName // label of the app block
	File string  // the descriptor file it came from; "" when it was made from a bare entry
	Line int     // first line of the app block, from 1; 0 without a file
	// lower case, without port; "*.example.com" matches one or more labels; empty: any host
	Hosts []string
	Mount MountPath // never ""

	// MountMatch is a regular expression. The app then answers only paths below Mount that begin
	// with a match up to a slash or the end. The match belongs to the mount of the request. Empty
	// means that the app answers all paths below Mount.
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
	Build   *Build            // nil: only the environment is built
	Env     map[string]string // env and env_file together; env wins
	EnvFile string            // absolute; "": none

	// BuildEnv and BuildSecrets are variables for builds of the environment and for the build
	// block's command, and not for the app itself. Another value in BuildEnv makes another
	// environment; one in BuildSecrets does not.
	BuildEnv, BuildSecrets map[string]string

	Owner string // user who can change File, or else Root; "": only the host's own user
	// DiskQuota is the number of bytes of the host's disk that all apps of Owner may use together,
	// from the host file; 0: no limit.
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

	// Nice is added to the nice value of the app's processes: 19 is the lowest priority, and a
	// negative number means a higher one than the host's. Zero means the host's.
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

	// Sources are the other files from which the descriptor was made, by file(), fileset(),
	// secret() and env_file: a change to one of them is a change of the descriptor.
	Sources []string

	// SecretFiles are the Sources that secret() read. They are absolute in the same cases.
	SecretFiles []string

	// HostVariables are the names of the variables of the host's environment that env() looked up,
	// in that order, whether the host has them or not.
	HostVariables []string

	// Secrets are the values that must not be shown to anybody; see [Descriptor.Redacted].
	Secrets []string
}

// Entry returns the entry of a wsgi or asgi app, or "" for an app of another kind.
func (d Descriptor) Entry() string {
	switch {
	case d.WSGI != nil:
		return d.WSGI.Entry
	case d.ASGI != nil:
		return d.ASGI.Entry
	}
	return ""
}

// UsesPython reports whether the app runs in a Python environment: a wsgi or asgi app does, and a
// program of another kind with a python block.
func (d Descriptor) UsesPython() bool {
	return d.Kind == KindWSGI || d.Kind == KindASGI || d.Python.Program
}

// Python selects the interpreter and the packages of an app.
type Python struct {
	// "3.12", ">=3.10,<3.14", "pypy3.9", "3.14t" or an absolute path; "": as the project requires
	Version      string
	Requirements []string // absolute requirement files
	Packages     []string // PEP 508 requirements, in place of files
	Extras       []string // optional dependencies of the project to install as well
	Groups       []string // dependency groups of the project to install as well (PEP 735)
	Venv         string   // an existing virtual environment that is used as it is
	Path         []string // extra sys.path entries, absolute
	Program      bool     // a program that is neither wsgi nor asgi runs in the environment
	NoTemplate   bool     // every worker is started on its own and loads everything
	NoMetrics    bool     // the metrics of prometheus_client are left to the app

	// OpenTelemetry is set for an app whose workers start its own OpenTelemetry before they load
	// it.
	OpenTelemetry bool
}

// Authorize names callables of a WSGI app's Python that decide whether a web server lets a request
// to another resource pass (FastCGI authorizer role). Each is an absolute file, or
// "package.module:callable"; "" means that there is no such check.
type Authorize struct {
	// check_password(environ, user, password): True, False, or None for a user who is not known
	CheckPassword string
	GroupsForUser string   // groups_for_user(environ, user): the user's groups
	Groups        []string // the user must be in one of these; empty: any user
	// allow_access(environ, host): True, False, or None to leave it to others
	AllowAccess string
}

// Build is a command that generates files of the app, such as a front end from its sources. It runs
// in Root when its inputs have changed.
type Build struct {
	Command []string // program and arguments; never empty
	// globs relative to Root of the files that it reads; empty: it runs once, until its command
	// changes
	Inputs []string
}

// Upgrades reports whether an app may speak WebSocket.
func (d Descriptor) Upgrades() bool {
	return d.Kind == KindASGI || d.Kind == KindHTTP || d.Kind == KindGo
}
