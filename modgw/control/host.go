package control

import (
	"context"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
)

// Host is what the API asks. Its errors may be faults, whose text reaches the client whole.
type Host interface {
	// Status is a snapshot of the host and all its apps.
	Status() Status

	// Descriptors are what the host runs, secrets included.
	Descriptors() []modgw.Descriptor

	// Claims are what each app has: its name, its hosts and its mount.
	Claims() []claims.Claim

	// Reload reads the descriptor of an app anew and replaces its generation; "" means the host's own file and all
	// apps. It returns when the new generations serve, with an error for those that do not. When ctx is done it returns
	// too, and what it began goes on; the same holds for Restart.
	Reload(ctx context.Context, app modgw.AppName) error

	// Restart replaces the workers of an app and starts a stopped one.
	Restart(ctx context.Context, app modgw.AppName) error

	// Rollback returns an app to its last good generation.
	Rollback(ctx context.Context, app modgw.AppName) error

	// StopApp ends the workers of an app.
	StopApp(ctx context.Context, app modgw.AppName) error

	// Shutdown begins to end the host.
	Shutdown()

	// Logs calls yield with the last records of an app ("" for all), oldest first, and if follow is set with every
	// further one, until ctx is done or yield returns false.
	Logs(ctx context.Context, query LogQuery, yield func(LogRecord) bool)
}

// Status is a snapshot of a host.
type Status struct {
	Version   string           `json:"version"`
	PID       int              `json:"pid"`
	Started   time.Time        `json:"started"`
	File      string           `json:"file"` // the host's own file; "" without one
	State     string           `json:"state"`
	Listeners []ListenerStatus `json:"listeners"`
	Apps      []AppStatus      `json:"apps"`
	Broken    []BrokenFile     `json:"broken"` // descriptor files that cannot be used
}

// ListenerStatus is one address the host listens on.
type ListenerStatus struct {
	Kind    string        `json:"kind"` // as in a listen block; "https" for one of "http" with TLS
	Address modgw.Address `json:"address"`
	Public  bool          `json:"public,omitempty"` // for clients or balancers, not for a web server of this machine's own
}

// AppStatus is a snapshot of an app and of what is watched for it.
type AppStatus struct {
	modgw.AppStatus
	Watch WatchStatus `json:"watch"`
}

// WatchStatus tells how the host learns of an app's changes.
type WatchStatus struct {
	Mode        string    `json:"mode"`               // "inotify", "poll", "touch" or "off"
	Reason      string    `json:"reason,omitempty"`   // why files are polled or not watched; "": see Mode
	Degraded    string    `json:"degraded,omitempty"` // what cannot be seen, and why; "" when all can
	Directories int       `json:"directories"`        // that matter, watched or polled
	Folders     []string  `json:"folders"`            // the first hundred of them, by name
	Files       int       `json:"files"`              // that count
	LastEvent   time.Time `json:"lastEvent"`          // zero: none yet
}

// BrokenFile is a descriptor file that has mistakes, or an app that asks for what another has. The apps that it described
// before keep running.
type BrokenFile struct {
	File        string          `json:"file"`
	Apps        []modgw.AppName `json:"apps"`        // that it describes and that are not as it says; null when no name can be read
	Diagnostics string          `json:"diagnostics"` // as check prints them
}

// LogQuery selects log records.
type LogQuery struct {
	App     modgw.AppName // "": all
	Lines   int           // how many of the kept ones at most; 0: all
	Request string        // only records of this request; "": all
	Since   time.Time     // only records from then on; zero: all
	Until   time.Time     // only records before; zero: all
	Follow  bool
}

// LogRecord is one kept log record.
type LogRecord struct {
	Time    time.Time     `json:"time"`
	Level   string        `json:"level"`
	App     modgw.AppName `json:"app,omitempty"`
	Message string        `json:"message"`
	Attrs   []LogAttr     `json:"attrs,omitempty"`
}

// LogAttr is one attribute of a log record.
type LogAttr struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}
