package python

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// maxAttachedLanes is how many descriptors one message can carry (SCM_MAX_FD in unix(7)), and some less.
const maxAttachedLanes = 250

// AttachAddress is where the worker of an app attaches to a host with the state folder.
func AttachAddress(stateDir string, app modgw.AppName) modgw.Address {
	return modgw.Address("unix:" + filepath.Join(stateDir, "attach", string(app)+".sock"))
}

// attachment is the place of the one worker that attaches to an app. The host starts none for it.
type attachment struct {
	closed chan struct{} // closes when nobody can attach any more

	mu    sync.Mutex
	taken bool
	pid   int       // of the process that has the place; 0: nobody knows it
	since time.Time // that it is free
}

// attachable is d as it is for an app whose worker stands at breakpoints: one worker, without limits of time.
func attachable(d modgw.Descriptor) modgw.Descriptor {
	if d.WSGI != nil {
		wsgi := *d.WSGI
		wsgi.Workers, wsgi.Threads = 1, min(cmp.Or(wsgi.Threads, usualThreads), maxAttachedLanes)
		wsgi.Concurrency = modgw.Threads // nobody has patched the developer's process
		d.WSGI = &wsgi
	}
	if d.ASGI != nil {
		asgi := *d.ASGI
		asgi.Workers = 1
		d.ASGI = &asgi
	}
	d.Timeouts.Startup, d.Timeouts.Request = 0, 0
	d.Recycle = modgw.Recycle{}
	return d
}

// awaitAttached lets a worker attach, from now on until the runner stops. Requests wait for it.
func (r *Runner) awaitAttached() error {
	address := AttachAddress(r.files.State, r.config.Descriptor.Name)
	ln, err := r.openAttach(address)
	if err != nil {
		return &modgw.Fault{
			Code:    "MGW-APP-201",
			Summary: fmt.Sprintf("cannot let a worker attach at %q", address),
			Err:     err,
			Hint:    "the host must be able to make the socket; a shorter --state helps when the path is too long",
		}
	}
	r.roster.hope(1)
	r.attached.since = time.Now()
	r.config.Log.Info("waiting for a worker to attach", "address", address)
	ctx, cancel := context.WithCancel(context.Background())
	r.Background(func() {
		<-r.Halted()
		cancel()
	})
	accepting := r.Background(func() {
		defer close(r.attached.closed)
		if err := listen.Accept(ctx, ln, r.attachers(), r.config.Log, r.welcome); err != nil {
			r.config.Log.Error("no worker can attach any more", "error", err)
		}
	})
	if !accepting {
		cancel()
		return errors.Join(errClosed, ln.Close())
	}
	return nil
}

// openAttach opens the socket, in place of that of the generation before.
func (r *Runner) openAttach(address modgw.Address) (net.Listener, error) {
	dir := filepath.Dir(address.Target())
	if err := verifyFolder(dir); err != nil {
		return nil, err
	}
	if _, err := modgw.ParseAddress(string(address)); err != nil {
		return nil, err
	}
	l := modgw.Listener{Address: address, Mode: 0o600}
	if r.user != nil {
		l.Owner = r.user.Name
	}
	return listen.Replace(l)
}

// attachers are root, the host's user and the app's.
func (r *Runner) attachers() listen.Peers {
	allowed := listen.Peers{UIDs: []uint32{0, uint32(os.Getuid())}}
	if r.user != nil {
		allowed.UIDs = append(allowed.UIDs, r.user.UID)
	}
	return allowed
}

// welcome takes a connection of somebody who may attach.
func (r *Runner) welcome(conn net.Conn) {
	if !r.Background(func() { r.entertain(conn.(*net.UnixConn)) }) {
		conn.Close()
	}
}

// entertain lets the worker at the other end of conn serve the app, from its start to its end.
func (r *Runner) entertain(conn *net.UnixConn) {
	w, err := r.admit(conn)
	if err != nil {
		r.config.Log.Warn("worker not attached", "pid", peerPID(conn), "error", err)
		refuse(conn, err)
		return
	}
	defer r.attached.vacate()
	r.Host(1, func(c *workers.Worker) workers.Program {
		w.Worker = c
		return w
	})
}

// admit gives the free place to the worker at the other end of conn and tells it what to load. Its lanes travel with
// that. After an error conn is the caller's.
func (r *Runner) admit(conn *net.UnixConn) (*worker, error) {
	g := &guest{pid: peerPID(conn), conns: []*net.UnixConn{conn}, done: make(chan struct{})}
	if err := r.attached.take(g.pid); err != nil {
		return nil, err
	}
	w := r.newWorker(nil, nil)
	w.guest, w.reported = g, func(zygote.Report) {}
	w.control, w.in, w.out = conn, wire.NewReader(conn), wire.NewWriter(conn)
	theirs, err := w.makeLanes()
	defer closeFiles(theirs)
	if err == nil {
		err = sendStart(conn, r.startMessage(1), theirs)
	}
	if err != nil {
		w.closeLanes()
		r.attached.vacate()
		return nil, err
	}
	for _, l := range w.lanes {
		g.conns = append(g.conns, l.conn.(*net.UnixConn)) // as all without a loop are
	}
	if w.shared != nil {
		g.conns = append(g.conns, w.shared.conn)
	}
	return w, nil
}

// take gives a process the place if it is free.
func (a *attachment) take(pid int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.taken {
		return fmt.Errorf("cannot attach a second worker: process %d is attached already", a.pid)
	}
	a.taken, a.pid = true, pid
	return nil
}

// vacate makes the place free again.
func (a *attachment) vacate() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken, a.since = false, time.Now()
}

// refuse tells the process at the other end of conn why it is not wanted. One that does not read that is not waited for.
func refuse(conn *net.UnixConn, reason error) {
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write(wire.AppendFrame(nil, wire.Frame{Type: wire.Abort, Payload: []byte(reason.Error())}))
}

// sendStart sends a Start frame, and with its first byte the ends of the lanes that are the worker's.
func sendStart(conn *net.UnixConn, m wire.StartMessage, lanes []*os.File) error {
	fds := make([]int, len(lanes))
	for i, f := range lanes {
		fds[i] = int(f.Fd())
	}
	frame := wire.AppendFrame(nil, wire.Frame{Type: wire.Start, Payload: m.Append(nil)})
	if err := conn.SetWriteDeadline(time.Now().Add(exitTime)); err != nil {
		return err
	}
	n, _, err := conn.WriteMsgUnix(frame, unix.UnixRights(fds...), nil)
	if err == nil && n < len(frame) { // the worker may have ended: writing nothing would fail
		_, err = conn.Write(frame[n:])
	}
	return errors.Join(err, conn.SetWriteDeadline(time.Time{}))
}

// status is what is known of the place: the worker that has it, or that there is none.
func (a *attachment) status(known []modgw.WorkerStatus) modgw.WorkerStatus {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.taken || len(known) == 0 {
		return modgw.WorkerStatus{Number: 1, State: modgw.StateAwaited, Since: a.since}
	}
	status := known[len(known)-1]
	if status.State == workers.Ready.String() {
		status.State = modgw.StateAttached
	}
	return status
}

// unplaced is why a request got no worker: err, or that nothing has attached.
func (r *Runner) unplaced(err error) error {
	switch relay.OutcomeOf(err) {
	case relay.ClientGone, relay.Stopping:
		return err
	}
	if r.attached == nil || r.Status().Workers[0].PID != 0 {
		return err
	}
	return &relay.Failure{Status: http.StatusServiceUnavailable, Fault: &modgw.Fault{
		Code:    "MGW-APP-204",
		Summary: "cannot answer: no worker is attached",
		Err:     err,
		Hint:    fmt.Sprintf("modgw-host attach %s prints how to attach one", r.config.Descriptor.Name),
	}}
}
