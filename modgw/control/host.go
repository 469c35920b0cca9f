package control

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/history"
	"github.com/modgw/modgw/modgw/probe"
)

// Host performs the requests of the API. Its errors may be faults, whose complete text is sent to
// the client.
type Host interface {
	Rights

	// Status returns a snapshot of the host and all its apps.
	Status() Status

	// Descriptors returns the descriptors of the running apps, including secrets.
	Descriptors() []modgw.Descriptor

	// Claims returns the name, the hosts and the mount of each app.
	Claims() []claims.Claim

	// Policy returns the rights of users to claims, and the claims that they have.
	Policy() Policy

	// Reload reads the descriptor of an app again and replaces its generation; "" means the host's
	// own file and all apps. It returns when the new generations serve, with an error for those
	// that do not. It also returns when ctx is done, while the work continues; the same applies to
	// Restart.
	Reload(ctx context.Context, app modgw.AppName) error

	// Restart replaces the workers of an app and starts a stopped one.
	Restart(ctx context.Context, app modgw.AppName) error

	// Rollback returns an app to its last good generation.
	Rollback(ctx context.Context, app modgw.AppName) error

	// StopApp ends the workers of an app.
	StopApp(ctx context.Context, app modgw.AppName) error

	// Scale sets the number of workers of an app until its descriptor changes that number, or the
	// host ends; the zero Scale returns to the descriptor. It does not wait for the workers.
	Scale(app modgw.AppName, s modgw.Scale) (modgw.ScaleStatus, error)

	// Shutdown starts to end the host.
	Shutdown()

	// Upgrade replaces the host by a program; "" is the program that is now at the path of the
	// host's program. It returns when the new host serves, or with an error if this host continues.
	Upgrade(ctx context.Context, program string) (Upgrade, error)

	// ArmProbes returns a key for signing probes, which the host answers itself. The key is valid
	// for lifetime, but for at most [probe.MaxLifetime].
	ArmProbes(lifetime time.Duration) probe.Key

	// ProbeReport returns the report of the arrivals of a probe, or false if none has arrived.
	ProbeReport(id string) (probe.Report, bool)

	// ContinueProbe lets the stream of a probe continue.
	ContinueProbe(id string)

	// Metrics returns a handler that answers with the metrics, in Prometheus's text format, or in
	// JSON if the client accepts nothing else. It includes the metrics of the apps for which may
	// returns true; nil: of all apps.
	Metrics(may func(modgw.AppName) bool) http.Handler

	// History returns the kept figures and deploys of the apps for which may returns true, with the
	// points after a time.
	History(since time.Time, may func(modgw.AppName) bool) []history.App

	// RequestRecords returns the slow and the failed requests of an app that are kept.
	RequestRecords(app modgw.AppName) (modgw.RequestRecords, error)

	// Disk counts the disk usage of an app and its user.
	Disk(app modgw.AppName) (DiskStatus, error)

	// OpenDashboard returns a link that gives a user access to the dashboard. If the dashboard is
	// not open, it is opened first.
	OpenDashboard(uid uint32) (DashboardLink, error)

	// Logs calls yield with the last records of an app ("" for all), oldest first, and, if follow
	// is set, with every further record, until ctx is done or yield returns false.
	Logs(ctx context.Context, query LogQuery, yield func(LogRecord) bool)
}

// Status is a snapshot of a host.
type Status struct {
	Version   string           `json:"version"`   // version of the program
	PID       int              `json:"pid"`       // process ID of the host
	Started   time.Time        `json:"started"`   // when the host began to run
	Upgrade   *UpgradeStatus   `json:"upgrade"`   // how it replaced another host; null: it did not
	File      string           `json:"file"`      // the host's own file; "" if there is none
	State     string           `json:"state"`     // absolute path of the state folder
	Listeners []ListenerStatus `json:"listeners"` // open listeners
	Apps      []AppStatus      `json:"apps"`      // all apps, by name
	Broken    []BrokenFile     `json:"broken"`    // descriptor files that cannot be used

	// Diagnosis describes a problem of the host itself; null: no problem is known.
	Diagnosis *diagnosis.Diagnosis `json:"diagnosis"`
}

// Upgrade is the result of replacing a host by a program.
type Upgrade struct {
	From    string        `json:"from"`    // version before
	Version string        `json:"version"` // version that serves now
	PID     int           `json:"pid"`     // process ID of the host that serves now
	Took    time.Duration `json:"took"`    // time from the call until it served; nanoseconds
	Workers int           `json:"workers"` // processes of apps before
	Kept    int           `json:"kept"`    // number of them that the new host has
}

// UpgradeStatus is the upgrade by which a host has begun to run.
type UpgradeStatus struct {
	From     string `json:"from"`     // version before
	Draining int    `json:"draining"` // earlier hosts that have connections which cannot be passed
}

// ListenerStatus is an address on which the host listens.
type ListenerStatus struct {
	Kind    string        `json:"kind"`             // as in a listen block; "https": with TLS
	Address modgw.Address `json:"address"`          // address of the socket
	Public  bool          `json:"public,omitempty"` // for other machines
}

// AppStatus is a snapshot of an app and of the watch on its files.
type AppStatus struct {
	modgw.AppStatus
	Watch WatchStatus `json:"watch"` // how its files are watched

	Diagnosis *diagnosis.Diagnosis `json:"diagnosis"` // problem of the app; null: none is known
}

// WatchStatus describes how the host detects changes of an app.
type WatchStatus struct {
	Mode        string    `json:"mode"`               // "inotify", "poll", "touch" or "off"
	Reason      string    `json:"reason,omitempty"`   // why files are polled or not watched
	Degraded    string    `json:"degraded,omitempty"` // files that cannot be watched; "": none
	Directories int       `json:"directories"`        // watched or polled folders
	Folders     []string  `json:"folders"`            // the first hundred of them, by name
	Files       int       `json:"files"`              // files that count
	LastEvent   time.Time `json:"lastEvent"`          // zero: none yet
}

// BrokenFile is a descriptor file that has mistakes, or that claims a place of another app. The
// apps that it described before keep running.
type BrokenFile struct {
	File        string          `json:"file"`        // path of the descriptor
	Owner       string          `json:"owner"`       // user who can change it; "": the host's own
	Apps        []modgw.AppName `json:"apps"`        // null when no name can be read
	Diagnostics string          `json:"diagnostics"` // as check prints them

	Diagnosis *diagnosis.Diagnosis `json:"diagnosis"` // the first mistake in a sentence
}

// DashboardLink gives one browser access to the dashboard.
type DashboardLink struct {
	Address modgw.Address `json:"address"` // address of the dashboard
	URL     string        `json:"url"`     // the link, which works once
	Expires time.Time     `json:"expires"` // end of the time in which it works
}

// LogQuery selects log records.
type LogQuery struct {
	App     modgw.AppName // "": all
	Lines   int           // maximum number of kept records; 0: all
	Request string        // only records of this request; "": all
	Since   time.Time     // only records from then on; zero: all
	Until   time.Time     // only records before; zero: all
	Level   *slog.Level   // only records of this level and above; nil: all
	Follow  bool          // wait for further records
}

// LogRecord is a kept log record.
type LogRecord struct {
	Time    time.Time     `json:"time"`            // time of the record
	Level   string        `json:"level"`           // "DEBUG", "INFO", "WARN" or "ERROR"
	App     modgw.AppName `json:"app,omitempty"`   // app that it is about; "": none
	Message string        `json:"message"`         // constant text
	Attrs   []LogAttr     `json:"attrs,omitempty"` // attributes, in their order
}

// LogAttr is an attribute of a log record.
type LogAttr struct {
	Key   string `json:"key"`   // name of the attribute
	Value string `json:"value"` // its value as text
}
