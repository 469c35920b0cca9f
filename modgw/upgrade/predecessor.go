package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
)

// errLeft is the reason why a host ends whose predecessor no longer wants it.
var errLeft = errors.New("cannot take over: the host that was to be replaced has called it off, or has ended")

// Predecessor is a host that is being replaced: the host that started this process, or an earlier
// host that has not ended yet.
type Predecessor struct {
	link    *link
	state   State
	sockets []OpenSocket
	earlier []*Predecessor // hosts that it has replaced
	serving atomic.Bool

	next chan received // the message that decides whether this process may serve

	asking  sync.Mutex    // held while a worker is requested
	answers chan received // receives the predecessor's answer to that
}

// received is a message read from a link, or an error.
type received struct {
	message message
	files   []*os.File
	err     error
}

// Inherited returns the host that has started this process to be replaced by it, and introduces
// this process with a version. It returns nil if there is no such host. It must be called once,
// before the process starts another one.
func Inherited(version string) (*Predecessor, error) {
	text := os.Getenv(linkVariable)
	if text == "" {
		return nil, nil
	}
	_ = os.Unsetenv(linkVariable) // the processes of apps must not see it
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("cannot take over: %s is %q", linkVariable, text)
	}
	link, err := linkOf(os.NewFile(uintptr(fd), "host"))
	if err != nil {
		return nil, err
	}
	p := &Predecessor{link: link, next: make(chan received, 1), answers: make(chan received, 1)}
	if err := p.meet(version); err != nil {
		p.Leave()
		return nil, err
	}
	go p.awaitNext()
	return p, nil
}

// awaitNext reads the message that decides whether this process may serve, and before it the
// answers to requests for workers.
func (p *Predecessor) awaitNext() {
	defer close(p.answers)
	for {
		m, files, err := p.link.receive()
		if err == nil && m.Kind == sharedKind {
			p.answers <- received{m, files, err}
			continue
		}
		closeFiles(files)
		p.next <- received{m, nil, err}
		return
	}
}

// Share requests a worker, which gets the files, and closes the files.
func (p *Predecessor) Share(r ShareRequest, files []*os.File) (modgw.SharedWorker, error) {
	defer closeFiles(files)
	p.asking.Lock()
	defer p.asking.Unlock()
	if err := p.link.send(message{Kind: shareKind, Share: &r}, files...); err != nil {
		return modgw.SharedWorker{}, err
	}
	answer, ok := <-p.answers
	switch {
	case !ok:
		return modgw.SharedWorker{}, errLeft
	case answer.message.Worker == nil:
		closeFiles(answer.files)
		return modgw.SharedWorker{}, errors.New(answer.message.Reason)
	}
	worker := *answer.message.Worker
	worker.Files = answer.files
	return worker, nil
}

// meet introduces this process and reads the predecessor's state and sockets.
func (p *Predecessor) meet(version string) error {
	if err := p.link.send(message{Kind: helloKind, Hello: &hello{oldestFormat, newestFormat, version}}); err != nil {
		return err
	}
	for {
		m, files, err := p.link.receive()
		switch {
		case err == io.EOF:
			return errLeft
		case err != nil:
			return err
		case m.Kind == stateKind && m.State != nil:
			m.State.Apps = append(p.state.Apps, m.State.Apps...)
			p.state = *m.State
		case m.Kind == socketKind && m.Socket != nil && len(files) == 1 && m.Socket.Role == Earlier:
			p.addEarlier(files[0])
			continue
		case m.Kind == socketKind && m.Socket != nil && len(files) == 1:
			p.sockets = append(p.sockets, OpenSocket{*m.Socket, files[0]})
			continue
		case m.Kind == startKind:
			return nil
		}
		closeFiles(files)
	}
}

// State describes the old host and its apps.
func (p *Predecessor) State() State { return p.state }

// Take returns the socket of a role and, if applicable, of a kind of front and an address. The
// caller owns it from now on. Take returns nil if no such socket was passed.
func (p *Predecessor) Take(r Role, kind string, address modgw.Address) *os.File {
	for i, s := range p.sockets {
		if s.File != nil && s.Role == r && s.Kind == kind && s.Address == address {
			p.sockets[i].File = nil
			return s.File
		}
	}
	return nil
}

// TakePassed returns the sockets that a service manager had passed.
func (p *Predecessor) TakePassed() (passed []OpenSocket) {
	for i, s := range p.sockets {
		if s.File != nil && s.Role == Passed {
			passed = append(passed, s)
			p.sockets[i].File = nil
		}
	}
	return passed
}

// Refuse informs the predecessor why this process cannot take over, unless it has already.
func (p *Predecessor) Refuse(reason error) {
	if !p.serving.Load() {
		// The predecessor may have gone, and then it needs no reason.
		_ = p.link.send(message{Kind: refusedKind, Reason: reason.Error()})
	}
}

// Earlier returns the hosts that were replaced before the predecessor and have not ended. The
// caller owns them from now on.
func (p *Predecessor) Earlier() []*Predecessor {
	earlier := p.earlier
	p.earlier = nil
	return earlier
}

// addEarlier records a host that was replaced before the predecessor.
func (p *Predecessor) addEarlier(file *os.File) {
	if link, err := linkOf(file); err == nil { // otherwise that host ends as if this one had
		e := &Predecessor{link: link}
		e.serving.Store(true)
		p.earlier = append(p.earlier, e)
	}
}

// File returns the link to a host that has not ended, for the next successor.
func (p *Predecessor) File() (*os.File, error) { return listen.Duplicate(p.link.conn, "host") }

// WithCancel returns a context that is done when the predecessor calls the upgrade off, or ends,
// before Ready has returned.
func (p *Predecessor) WithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case r := <-p.next:
			if p.next <- r; r.err != nil || r.message.Kind != commitKind {
				cancel(errLeft)
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// Ready informs the predecessor that this host can serve, and waits for its permission. It returns
// the apps that are stopped by then, and the apps whose generation is another one than the
// generation whose workers were shared. The sockets that were not taken are closed.
func (p *Predecessor) Ready(ctx context.Context) (stopped, changed []modgw.AppName, err error) {
	if err := p.link.send(message{Kind: readyKind}); err != nil {
		return nil, nil, err
	}
	var r received
	select {
	case r = <-p.next:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	switch {
	case r.err == io.EOF:
		return nil, nil, errLeft
	case r.err != nil:
		return nil, nil, r.err
	case r.message.Kind != commitKind:
		return nil, nil, fmt.Errorf("cannot take over: the host that was to be replaced said %q", r.message.Kind)
	}
	p.closeSockets()
	return r.message.Stopped, r.message.Changed, nil
}

// Serving informs the predecessor that this host accepts connections, and that it has the workers
// with these process IDs from now on.
func (p *Predecessor) Serving(owned []int) error {
	p.serving.Store(true)
	return p.link.send(message{Kind: servingKind, Owned: owned})
}

// Unfollow makes Follow return: another host follows the predecessor.
func (p *Predecessor) Unfollow() { p.link.close() }

// Follow calls adopt for each connection that is passed. It calls given when the predecessor no
// longer reads the output of the passed workers, which it announces, or when it has ended. Follow
// returns when the predecessor has ended, or [Predecessor.Unfollow] was called.
func (p *Predecessor) Follow(adopt func(Connection, net.Conn), given func()) {
	given = sync.OnceFunc(given)
	defer given()
	for {
		m, files, err := p.link.receive()
		if err != nil {
			return
		}
		if m.Kind == givenKind {
			given()
		}
		if len(files) != 1 {
			closeFiles(files)
			continue
		}
		conn, connErr := net.FileConn(files[0])
		files[0].Close()
		switch {
		case connErr != nil: // its client has gone
		case m.Kind == connectionKind && m.Connection != nil:
			adopt(*m.Connection, conn)
		default:
			conn.Close()
		}
	}
}

// Replaced informs the predecessor that an app has a new generation, so that the predecessor's part
// of the app ends.
func (p *Predecessor) Replaced(app modgw.AppName) {
	// It may have ended.
	_ = p.link.send(message{Kind: replacedKind, App: app})
}

// EndPredecessor asks the predecessor to end. Follow returns when it has ended.
func (p *Predecessor) EndPredecessor() { _ = p.link.send(message{Kind: endKind}) }

// Leave closes the link, and the sockets and earlier hosts' links that were not taken.
func (p *Predecessor) Leave() {
	p.link.close()
	p.closeSockets()
	for _, e := range p.Earlier() {
		e.Leave()
	}
}

func (p *Predecessor) closeSockets() {
	for i, s := range p.sockets {
		if s.File != nil {
			s.File.Close()
			p.sockets[i].File = nil
		}
	}
}
