package metrics

import (
	"time"

	"github.com/modgw/modgw/modgw"
)

// Config holds the sources of the numbers.
type Config struct {
	Gateway *modgw.Gateway // counts requests
	Host    func() Host    // returns the state of the host and its apps
	Version string         // version of the program
	Started time.Time      // when the host began to run
}

// Host is a snapshot of a host.
type Host struct {
	Apps        []App  // all apps
	Unwell      string // one of a bounded number of causes why the host is not well; "": it is
	StateFree   uint64 // bytes that are free on the disk with the state folder
	StateSize   uint64 // bytes of that disk; 0: unknown
	Broken      int    // descriptor files that cannot be used
	SpoolMemory int64  // bytes of memory that keep bodies for slow clients
	SpoolDisk   int64  // bytes of files that keep such bodies
	LogDropped  uint64 // dropped log records
	AccessLost  uint64 // lost lines of the access log

	SpansExported uint64 // spans of requests that a collector has accepted
	SpansDropped  uint64 // dropped spans

	Draining int      // earlier hosts that have connections left since this one has replaced them
	Tenants  []Tenant // users whose apps may have a bounded part of the disk
}

// Tenant is the usage of the host's disk by a user's apps.
type Tenant struct {
	User string          // login name
	Used modgw.DiskUsage // bytes in use
	Most int64           // limit in bytes; 0: not known yet
}

// App is a snapshot of an app.
type App struct {
	modgw.AppStatus
	Watch  Watch  // how its files are watched
	Unwell string // one of a bounded number of causes why it is not well; "": it is
}

// Watch describes how an app's files are watched.
type Watch struct {
	Mode        string    // "inotify", "poll", "touch" or "off"; "": they are not
	Degraded    bool      // some files cannot be watched
	Directories int       // watched folders
	LastEvent   time.Time // zero: none yet
}
