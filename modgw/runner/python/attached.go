package python

import (
	"fmt"
	"net"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/attach"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// attachTime is how long sending an attached worker its connections may take.
const attachTime = control.ExitTime

// AttachAddress returns where the worker of an app attaches to a host with the state folder.
func AttachAddress(stateDir string, app modgw.AppName) modgw.Address {
	return attach.Address(stateDir, app)
}

func (r *Runner) newListener() *attach.Listener {
	return attach.New(attach.Config{
		User:       r.user,
		Pool:       r.Pool,
		Log:        r.app.Log,
		MakeFolder: verifyFolder,
		Serve:      r.serveAttached,
	})
}

// awaitAttached lets a worker attach until the runner stops. Requests wait for it.
func (r *Runner) awaitAttached() error {
	r.server.Expect(1)
	err := r.listener.Start(AttachAddress(r.files.State, r.app.Descriptor.Name))
	if err != nil {
		r.server.Expect(-1)
	}
	return err
}

// serveAttached lets the worker at the other end of conn serve the app, until its end. Its
// connections travel with the Start message. After an error conn belongs to the caller.
func (r *Runner) serveAttached(conn *net.UnixConn, process *attach.Process) error {
	w := &worker{runner: r, attached: process, Worker: control.New(nil, control.Config{
		Pool: r.Pool, Dev: r.app.Dev, Attached: true,
		Report: func(payload []byte) error {
			_, err := zygote.DecodeReport(payload)
			return err
		},
	})}
	w.Connect(conn)
	theirs, err := w.makeConnections()
	defer closeFiles(theirs)
	if err == nil {
		start := wire.Frame{Type: wire.Start, Payload: r.startMessage(1).Append(nil)}
		err = wire.WriteWithFiles(conn, wire.AppendFrame(nil, start), theirs, attachTime)
	}
	if err != nil {
		w.closeConnections()
		return err
	}
	process.OnKill(w.Connections.Cut)
	r.RunAttached(1, func(c *workers.Worker) workers.Driver {
		w.Worker.Worker = c
		return w
	})
	return nil
}

// unattached explains why a request got no worker: err, or that none is attached.
func (r *Runner) unattached(err error) error {
	switch relay.OutcomeOf(err) {
	case relay.ClientGone, relay.Stopping:
		return err
	}
	if r.Status().Workers[0].PID != 0 {
		return err
	}
	return &relay.Failure{Status: http.StatusServiceUnavailable, Fault: &modgw.Fault{
		Code:    "MGW-APP-204",
		Summary: "cannot answer: no worker is attached",
		Err:     err,
		Hint:    fmt.Sprintf("modgw-host attach %s prints how to attach one", r.app.Descriptor.Name),
	}}
}
