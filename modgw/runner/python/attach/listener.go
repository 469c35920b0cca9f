package attach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// maxThreads is the number of connections that one message can carry (SCM_MAX_FD, unix(7)), less a
// few.
const maxThreads = 250

// Address returns where the worker of an app attaches to a host with the state folder.
func Address(stateDir string, app modgw.AppName) modgw.Address {
	return modgw.Address("unix:" + filepath.Join(stateDir, "attach", string(app)+".sock"))
}

// Descriptor returns d adapted to an app whose worker may be at a breakpoint: one worker, without
// time limits. Its number of threads is that of d, or usualThreads.
func Descriptor(d modgw.Descriptor, usualThreads int) modgw.Descriptor {
	if d.WSGI != nil {
		wsgi := *d.WSGI
		wsgi.Workers, wsgi.MaxWorkers = 1, 0
		wsgi.Threads = min(cmp.Or(wsgi.Threads, usualThreads), maxThreads)
		wsgi.Concurrency = modgw.Threads // the developer's process is not patched for gevent
		d.WSGI = &wsgi
	}
	if d.ASGI != nil {
		asgi := *d.ASGI
		asgi.Workers, asgi.MaxWorkers = 1, 0
		d.ASGI = &asgi
	}
	d.Timeouts.Startup, d.Timeouts.Request = 0, 0
	d.Recycle = modgw.Recycle{}
	return d
}

// Config is the configuration of a Listener.
type Config struct {
	User *account.Account // the app's, who may attach, too; nil: it is the host's
	Pool *workers.Pool    // runs the Listener, which ends when the pool halts
	Log  *slog.Logger     // not nil

	// MakeFolder makes the folder of the socket, which only the host's user may change.
	MakeFolder func(dir string) error

	// Serve lets the worker at the other end of conn serve the app in a process, until its end.
	// After an error, which the worker is sent, conn is still open.
	Serve func(conn *net.UnixConn, p *Process) error
}

// Listener accepts the worker of an app, one at a time. Make it with [New].
type Listener struct {
	config Config
	place  place
	closed chan struct{} // closes when no worker can attach any more
}

// New makes a listener that does not listen yet.
func New(c Config) *Listener { return &Listener{config: c, closed: make(chan struct{})} }

// Start listens at an address, as [Address] returns it, in place of the generation before, until
// the pool halts.
func (l *Listener) Start(address modgw.Address) error {
	c := l.config
	ln, err := l.listen(address)
	if err != nil {
		return &modgw.Fault{
			Code:    "MGW-APP-201",
			Summary: fmt.Sprintf("cannot let a worker attach at %q", address),
			Err:     err,
			Hint:    "the host must be able to make the socket; a shorter --state helps when the path is too long",
		}
	}
	l.place.vacate()
	c.Log.Info("waiting for a worker to attach", "address", address)
	ctx, cancel := context.WithCancel(context.Background())
	c.Pool.Background(func() {
		<-c.Pool.Halted()
		cancel()
	})
	accepting := c.Pool.Background(func() {
		defer close(l.closed)
		if err := listen.Accept(ctx, ln, l.peers(), c.Log, l.accept); err != nil {
			c.Log.Error("no worker can attach any more", "error", err)
		}
	})
	if !accepting {
		cancel()
		return errors.Join(queue.ErrClosed, ln.Close())
	}
	return nil
}

// Closed returns a channel that closes when no worker can attach any more.
func (l *Listener) Closed() <-chan struct{} { return l.closed }

// Status returns the status of the worker, chosen from those of the pool.
func (l *Listener) Status(known []modgw.WorkerStatus) modgw.WorkerStatus {
	return l.place.status(known)
}

func (l *Listener) listen(address modgw.Address) (net.Listener, error) {
	if err := l.config.MakeFolder(filepath.Dir(address.Target())); err != nil {
		return nil, err
	}
	if _, err := modgw.ParseAddress(string(address)); err != nil {
		return nil, err
	}
	socket := modgw.Listener{Address: address, Mode: 0o600}
	if user := l.config.User; user != nil {
		socket.Owner = user.Name
	}
	return listen.Replace(socket)
}

// peers are root, the host's user and the app's.
func (l *Listener) peers() listen.Peers {
	allowed := listen.Peers{UIDs: []uint32{0, uint32(os.Getuid())}}
	if user := l.config.User; user != nil {
		allowed.UIDs = append(allowed.UIDs, user.UID)
	}
	return allowed
}

// accept serves the connection of a process that may attach, in the background.
func (l *Listener) accept(conn net.Conn) {
	if !l.config.Pool.Background(func() { l.serve(conn.(*net.UnixConn)) }) {
		conn.Close()
	}
}

func (l *Listener) serve(conn *net.UnixConn) {
	pid := peerPID(conn)
	err := l.place.take(pid)
	if err == nil {
		err = l.config.Serve(conn, NewProcess(pid, conn))
		l.place.vacate()
	}
	if err != nil {
		l.config.Log.Warn("worker not attached", "pid", pid, "error", err)
		refuse(conn, err)
	}
}

// refuse sends the process at the other end of conn the reason why it cannot attach. It waits at
// most a second.
func refuse(conn *net.UnixConn, reason error) {
	defer conn.Close()
	frame := wire.AppendFrame(nil, wire.Frame{Type: wire.Abort, Payload: []byte(reason.Error())})
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write(frame)
}
