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

// kind says what a message is about.
type kind string

const (
	helloKind      kind = "hello"
	stateKind      kind = "state"
	socketKind     kind = "socket"
	startKind      kind = "start"
	readyKind      kind = "ready"
	refusedKind    kind = "refused"
	commitKind     kind = "commit"
	servingKind    kind = "serving"
	connectionKind kind = "connection"
	replacedKind   kind = "replaced"
	endKind        kind = "end"
)

// message is what is sent in one packet. Only the fields of its kind are set.
type message struct {
	Kind kind `json:"kind"`

	Hello      *hello        `json:"hello,omitempty"`
	State      *State        `json:"state,omitempty"`
	Socket     *Socket       `json:"socket,omitempty"`
	Connection *Connection   `json:"connection,omitempty"`
	Reason     string        `json:"reason,omitempty"` // why the new host refuses, in "refused"
	App        modgw.AppName `json:"app,omitempty"`    // the app, in "replaced"

	// Stopped are the apps that are stopped at "commit".
	Stopped []modgw.AppName `json:"stopped,omitempty"`
}

// hello introduces the new host.
type hello struct {
	Oldest  int    `json:"oldest"` // format of messages that it knows
	Newest  int    `json:"newest"`
	Version string `json:"version"` // version of the program
}

// State is what a new host must know of the old one.
type State struct {
	Format  int       `json:"format"`  // format of all further messages
	Version string    `json:"version"` // version of the old host's program
	PID     int       `json:"pid"`     // its process id
	Started time.Time `json:"started"` // when it began to run
	// all that it knows; further ones may come in further messages
	Apps []App `json:"apps"`
}

// App is an app of the old host.
type App struct {
	Name       modgw.AppName  `json:"name"`       // name of the app
	State      modgw.AppState `json:"state"`      // says what it does with a request
	Generation int            `json:"generation"` // number of the current one; 0: there is none
}

// Role says what a socket is for.
type Role string

// The roles of sockets.
const (
	Front     Role = "front"     // the host has opened it for a listener
	Passed    Role = "passed"    // a service manager has passed it
	Control   Role = "control"   // of the control socket
	Metrics   Role = "metrics"   // of the listener for metrics
	Dashboard Role = "dashboard" // of the listener for the dashboard
	Lock      Role = "lock"      // no socket: the file whose lock reserves the state folder
	Earlier   Role = "earlier"   // the link to a host that was replaced before and has not ended
)

// Socket is a listening socket, or the lock of the state folder.
type Socket struct {
	Role    Role          `json:"role"`              // says what it is for
	Kind    string        `json:"kind,omitempty"`    // kind of the front, as in [modgw.Listener]
	Address modgw.Address `json:"address,omitempty"` // address that it was opened for
	Name    string        `json:"name,omitempty"`    // name that a service manager gave it
}

// Connection is an open connection of a client that waits for a request.
type Connection struct {
	Kind    string        `json:"kind"`    // kind of the front, as in [modgw.Listener]
	Address modgw.Address `json:"address"` // address of the listener, as in [Socket]
	Used    bool          `json:"used"`    // there was a request on it
}
