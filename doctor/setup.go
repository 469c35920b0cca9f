package doctor

import (
	"context"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/probe"
)

// Kind is the kind of a server in front of the host.
type Kind string

// The web servers whose configuration is read.
const (
	Apache   Kind = "apache"
	Nginx    Kind = "nginx"
	Lighttpd Kind = "lighttpd"
	HAProxy  Kind = "haproxy"
)

// Server is a web server in front of the host.
type Server struct {
	Kind      Kind              // program that it is
	File      string            // main file of its configuration
	Program   string            // path of the program; "": its files are read, and it is not run
	Version   string            // "2.4.71"; "": not known
	Modules   []string          // modules of Apache that are compiled in
	Variables map[string]string // variables of Apache's environment
	User      string            // user of its processes; "": the configured or usual one
}

// Host is the running host that the doctor asks; *control.Client is one.
type Host interface {
	// Status returns a snapshot of the host.
	Status(ctx context.Context) (control.Status, error)
	// ArmProbes returns a key with which probes are signed.
	ArmProbes(ctx context.Context, lifetime time.Duration) (probe.Key, error)
	// ProbeReport returns the host's report about a probe, or false if the probe has not arrived.
	ProbeReport(ctx context.Context, id string) (probe.Report, bool, error)
	// ContinueProbe lets the stream of a probe go on.
	ContinueProbe(ctx context.Context, id string) error
}

var _ Host = (*control.Client)(nil)

// Config is the input of a doctor.
type Config struct {
	Apps           []modgw.Descriptor // apps to look at
	All            []modgw.Descriptor // all apps of the host; nil: Apps
	Listeners      []modgw.Listener   // listeners of the host
	TrustedProxies []netip.Prefix     // proxies that the host believes
	HostFile       string             // the host's own file; "" if it has none
	Servers        []Server           // web servers in front of the host
	Host           Host               // nil: the host does not run, and nothing is probed
	// addresses of the web server; nil: as configured
	URLs    []string
	Backups string // folder for the files that Repair edits; "": none are kept
	Offline bool   // look at nothing but the configurations of web servers

	now  func() time.Time // nil: the machine's clock
	root string           // folder to use in place of "/" when examining the machine
}

// Doctor examines a host and the servers in front of it. Use [New] to create one.
type Doctor struct {
	Config
	begun time.Time // names the folder of this doctor's backups
}

// New returns a doctor. It examines nothing yet.
func New(c Config) *Doctor {
	if c.All == nil {
		c.All = c.Apps
	}
	if c.now == nil {
		c.now = time.Now
	}
	return &Doctor{c, c.now()}
}

// server is a web server with its configuration as it is on the disk.
type server struct {
	Server
	doctor *Doctor
	tree   *webconf.Tree
	sites  []*site
	traits traits
}

// path is where a relative path of the configuration leads.
func (s *server) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(s.File), name)
}

// traits are the checks of one kind of web server.
type traits interface {
	// readSites returns the virtual hosts with their routes.
	readSites() []*site
	// checkServer returns the problems of the server as a whole.
	checkServer() []Finding
	// checks returns the checks of the way that requests take to an app.
	checks() []func(*place) []Finding
	// names reports whether a site names an app as the one that its requests are for.
	names(s *site, app modgw.Descriptor) bool
	// directives are the names of those that failed probes ask for, by code.
	directives(p *place) map[string]string
	// user is the user of the server's processes; "": not configured.
	user() string
}
