package upgrade

import (
	"time"

	"github.com/modgw/modgw/modgw"
)

// Formats of messages that this program knows.
const (
	oldestFormat = 1
	newestFormat = 1
)

// kind is the kind of a message.
type kind string

const (
	helloKind      kind = "hello"
	stateKind      kind = "state"
	socketKind     kind = "socket"
	startKind      kind = "start"
	shareKind      kind = "share"
	sharedKind     kind = "shared"
	readyKind      kind = "ready"
	refusedKind    kind = "refused"
	commitKind     kind = "commit"
	servingKind    kind = "serving"
	givenKind      kind = "given"
	connectionKind kind = "connection"
	replacedKind   kind = "replaced"
	endKind        kind = "end"
)

// message is the content of one packet. Only the fields of its kind are set.
type message struct {
	Kind kind `json:"kind"`

	Hello      *hello        `json:"hello,omitempty"`
	State      *State        `json:"state,omitempty"`
	Socket     *Socket       `json:"socket,omitempty"`
	Connection *Connection   `json:"connection,omitempty"`
	Share      *ShareRequest `json:"share,omitempty"`

	// Worker is the requested worker, in "shared"; nil: it is not shared.
	Worker *modgw.SharedWorker `json:"worker,omitempty"`

	// Reason is the reason why the new host refuses, in "refused", or why a worker is not shared.
	Reason string        `json:"reason,omitempty"`
	App    modgw.AppName `json:"app,omitempty"` // the app, in "replaced"

	// Stopped are the apps that are stopped at "commit". Changed are the apps whose generation is
	// then another one than the generation whose workers were shared.
	Stopped []modgw.AppName `json:"stopped,omitempty"`
	Changed []modgw.AppName `json:"changed,omitempty"`

	// Owned are the processes of workers that the new host has from "serving" on.
	Owned []int `json:"owned,omitempty"`
}

// hello introduces the new host.
type hello struct {
	Oldest  int    `json:"oldest"` // format of messages that it knows
	Newest  int    `json:"newest"`
	Version string `json:"version"` // version of the program
}

// State describes the old host to a new one.
type State struct {
	Format  int       `json:"format"`  // format of all further messages
	Version string    `json:"version"` // version of the old host's program
	PID     int       `json:"pid"`     // its process ID
	Started time.Time `json:"started"` // when it began to run
	// all known apps; more may follow in further messages
	Apps []App `json:"apps"`
}

// App is an app of the old host.
type App struct {
	Name       modgw.AppName  `json:"name"`       // name of the app
	State      modgw.AppState `json:"state"`      // determines how it handles a request
	Generation int            `json:"generation"` // number of the current generation; 0: none

	Wanted   int          `json:"wanted,omitempty"`   // intended number of workers; 0: unknown
	Scale    *modgw.Scale `json:"scale,omitempty"`    // set by an administrator; nil: none was
	Identity string       `json:"identity,omitempty"` // "": no worker is shared
	Workers  []int        `json:"workers,omitempty"`  // numbers of the workers that can be shared
}

// ShareRequest requests a worker, with the descriptors that the new host has for it.
type ShareRequest struct {
	App        modgw.AppName `json:"app"`        // name of the app
	Generation int           `json:"generation"` // number of its generation
	Worker     int           `json:"worker"`     // number of the worker
}

// Role is the purpose of a socket.
type Role string

// The roles of sockets.
const (
	Front     Role = "front"     // the host has opened it for a listener
	Passed    Role = "passed"    // a service manager has passed it
	Control   Role = "control"   // control socket
	Metrics   Role = "metrics"   // listener for metrics
	Dashboard Role = "dashboard" // listener for the dashboard
	Lock      Role = "lock"      // no socket: the file whose lock reserves the state folder
	History   Role = "history"   // no socket: memory with the figures of apps at "commit"
	Earlier   Role = "earlier"   // the link to a host that was replaced before and has not ended
)

// Socket is a listening socket, or a file that a host needs from its predecessor.
type Socket struct {
	Role    Role          `json:"role"`              // its purpose
	Kind    string        `json:"kind,omitempty"`    // kind of the front, as in [modgw.Listener]
	Address modgw.Address `json:"address,omitempty"` // address for which it was opened
	Name    string        `json:"name,omitempty"`    // name that a service manager gave it
}

// Connection is an open connection of a client that waits for a request.
type Connection struct {
	Kind    string        `json:"kind"`    // kind of the front, as in [modgw.Listener]
	Address modgw.Address `json:"address"` // address of the listener, as in [Socket]
	Used    bool          `json:"used"`    // it has carried a request
}
