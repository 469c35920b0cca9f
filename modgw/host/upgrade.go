package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/upgrade"
)

// errReplaced is why a host ends whose successor serves.
var errReplaced = errors.New("another host has taken over")

// succession is the state that a host needs to be replaced while it runs.
type succession struct {
	attempt sync.Mutex // held by the upgrade that is under way

	mu        sync.Mutex
	sockets   *sockets                // nil while there are none to hand over
	lock      *os.File                // reserves the state folder
	replace   context.CancelCauseFunc // ends Run, with errReplaced
	successor *passing                // serves in place of this host; nil: this host serves
}

// open lets the host be replaced.
func (s *succession) open(sockets *sockets, replace context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets, s.replace = sockets, replace
}

// current returns the host that serves in place of this one; nil: this host serves.
func (s *succession) current() *passing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.successor
}

// Upgrade implements [control.Host].
func (h *Host) Upgrade(ctx context.Context, path string) (control.Upgrade, error) {
	if !h.succession.attempt.TryLock() {
		return control.Upgrade{}, upgradeUnderWay()
	}
	defer h.succession.attempt.Unlock()
	began := time.Now()
	release := h.gateway.HoldAwake() // for good, when another host has the workers
	done, err := h.replaceBy(ctx, path)
	if err != nil {
		release()
		h.log.Error("upgrade failed, this host goes on", "error", err.Error())
		return control.Upgrade{}, err
	}
	done.From, done.Took = h.config.Version, time.Since(began)
	h.log.Info("upgrade done", "version", done.Version, "pid", done.PID,
		"took", done.Took.Round(time.Millisecond).String(), "workers", done.Workers, "kept", done.Kept)
	return done, nil
}

func upgradeUnderWay() error {
	return &modgw.Fault{
		Code:    "MGW-HST-031",
		Summary: "cannot upgrade the host: another upgrade is under way",
		Hint:    "wait until it has ended",
	}
}

// programPath returns the program of the successor: the requested one, or the file that has the
// path of this program by now.
func (h *Host) programPath(asked string) (string, error) {
	if h.config.Launch == nil || h.config.Dev != nil || h.config.Script {
		return "", &modgw.Fault{
			Code:    "MGW-HST-032",
			Summary: "cannot upgrade a host that is a part of something else, such as dev or a web server's script",
			Hint:    "end it and start it again; hosts of serve and run can be upgraded",
		}
	}
	if asked != "" {
		return asked, nil
	}
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("cannot find the program of the host: %w", err)
	}
	if _, err := os.Lstat(own); errors.Is(err, fs.ErrNotExist) {
		own = strings.TrimSuffix(own, " (deleted)")
	}
	return own, nil
}

// replaceBy has a program take over. After an error everything is as it was.
func (h *Host) replaceBy(ctx context.Context, path string) (done control.Upgrade, err error) {
	if path, err = h.programPath(path); err != nil {
		return done, err
	}
	program, err := upgrade.OpenProgram(path)
	if err != nil {
		return done, err
	}
	defer program.Close()
	h.log.Info("upgrade begun", "program", path)
	sockets, err := h.socketsToPass()
	defer closeSockets(sockets)
	if err != nil {
		return done, err
	}
	successor, err := upgrade.Start(ctx, program, *h.config.Launch)
	if err != nil {
		return done, err
	}
	var shared sharedApps
	var owned []int
	if err = successor.Prepare(ctx, h.upgradeState(), sockets, shared.sharing(h.gateway)); err == nil {
		h.saveHistory(sockets)
		owned, err = successor.Commit(ctx, h.stoppedApps(), shared.changed(h.gateway))
	}
	if err != nil {
		successor.End()
		return done, err
	}
	done = control.Upgrade{
		Version: successor.Version(), PID: successor.PID(), Workers: h.countWorkers(), Kept: len(owned),
	}
	h.handOver(successor, owned)
	return done, nil
}

// upgradeState returns the state for a successor.
func (h *Host) upgradeState() upgrade.State {
	s := upgrade.State{Version: h.config.Version, PID: os.Getpid(), Started: h.started}
	for _, app := range h.gateway.Shareable() {
		if app.State == modgw.AppAsleep {
			app.State = modgw.AppServing // the successor's is awake at first
		}
		s.Apps = append(s.Apps, upgrade.App{
			Name: app.App, State: app.State, Generation: app.Number, Wanted: app.Wanted, Scale: app.Scale,
			Identity: app.Identity, Workers: app.Workers,
		})
	}
	return s
}

// sharedApps are the apps whose workers a successor has asked for, with the numbers of their
// generations. The zero value has none.
type sharedApps struct {
	mu          sync.Mutex
	generations map[modgw.AppName]int
}

// sharing returns the share that gives a successor workers of a gateway.
func (s *sharedApps) sharing(g *modgw.Gateway) upgrade.Share {
	return func(r upgrade.ShareRequest, files []*os.File) (modgw.SharedWorker, error) {
		s.mu.Lock()
		if s.generations == nil {
			s.generations = map[modgw.AppName]int{}
		}
		s.generations[r.App] = r.Generation
		s.mu.Unlock()
		return g.Share(r.App, r.Generation, r.Worker, files)
	}
}

// changed are the apps that have another generation by now.
func (s *sharedApps) changed(g *modgw.Gateway) (changed []modgw.AppName) {
	now := map[modgw.AppName]int{}
	for _, app := range g.Shareable() {
		now[app.App] = app.Number
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for app, generation := range s.generations {
		if now[app] != generation {
			changed = append(changed, app)
		}
	}
	return changed
}

// countWorkers returns the number of serving processes of the apps.
func (h *Host) countWorkers() (n int) {
	for _, app := range h.gateway.Status() {
		for _, w := range app.Runner.Workers {
			if w.PID != 0 {
				n++
			}
		}
	}
	return n
}

func (h *Host) stoppedApps() (stopped []modgw.AppName) {
	for _, app := range h.gateway.Status() {
		if app.State == modgw.AppStopped {
			stopped = append(stopped, app.App)
		}
	}
	return stopped
}

// socketsToPass duplicates all that a successor gets.
func (h *Host) socketsToPass() (all []upgrade.OpenSocket, err error) {
	h.succession.mu.Lock()
	defer h.succession.mu.Unlock()
	s := h.succession.sockets
	if s == nil || h.succession.successor != nil {
		return nil, upgradeUnderWay()
	}
	add := func(socket upgrade.Socket, open func() (*os.File, error)) {
		if err != nil {
			return
		}
		var file *os.File
		if file, err = open(); err == nil {
			all = append(all, upgrade.OpenSocket{Socket: socket, File: file})
		}
	}
	for _, f := range s.fronts {
		role := upgrade.Front
		if f.passed {
			role = upgrade.Passed
		}
		add(upgrade.Socket{Role: role, Kind: f.settings.Kind, Address: f.settings.Address, Name: f.name},
			func() (*os.File, error) { return listen.File(f.listener) })
	}
	add(upgrade.Socket{Role: upgrade.Control, Address: h.Control()},
		func() (*os.File, error) { return listen.File(s.control) })
	if s.metrics != nil {
		add(upgrade.Socket{Role: upgrade.Metrics, Address: h.file.Metrics.Address},
			func() (*os.File, error) { return listen.File(s.metrics) })
	}
	if s.dashboard != nil {
		add(upgrade.Socket{Role: upgrade.Dashboard, Address: h.file.Dashboard.Address},
			func() (*os.File, error) { return listen.File(s.dashboard) })
	}
	add(upgrade.Socket{Role: upgrade.Lock},
		func() (*os.File, error) { return listen.Duplicate(h.succession.lock, "host.lock") })
	add(upgrade.Socket{Role: upgrade.History}, openHistory)
	for _, p := range h.predecessors.all() {
		add(upgrade.Socket{Role: upgrade.Earlier}, p.File)
	}
	return all, err
}

func closeSockets(sockets []upgrade.OpenSocket) {
	for _, s := range sockets {
		s.File.Close()
	}
}

// handOver leaves the sockets to a successor that serves, and the workers that it owns, and ends
// Run when the connections that cannot be passed have ended.
func (h *Host) handOver(successor *upgrade.Successor, owned []int) {
	h.gateway.GiveShared(owned)
	successor.Given()
	h.predecessors.leave() // the successor has the links by now
	next := &passing{Successor: successor, hurry: make(chan struct{}), queue: make(chan passed, passQueue), log: h.log}
	next.sending.Go(next.send)
	h.succession.mu.Lock()
	s, replace := h.succession.sockets, h.succession.replace
	h.succession.successor = next
	h.succession.mu.Unlock()
	for _, f := range s.fronts {
		listen.Leave(f.listener)
		f.server.SetHandover(listen.Handover{Pass: next.passerOf(f.settings), Hurry: next.hurry})
	}
	for _, l := range s.others() {
		listen.Leave(l)
	}
	go func() {
		defer close(next.hurry)
		successor.Follow(h.gateway.EndStreamsOf)
	}()
	if h.config.Replaced != nil {
		h.config.Replaced(successor.PID())
	}
	replace(errReplaced)
}

// passQueue is the number of connections that may wait to be passed. The event loop must not wait;
// if the queue is full, the connection is closed.
const passQueue = 1 << 14

// passing is the host that serves in place of this one, and the connections that are passed to it.
type passing struct {
	*upgrade.Successor
	hurry   chan struct{} // closes when this host must end soon
	queue   chan passed
	sending sync.WaitGroup
	log     *slog.Logger
}

// passed is a connection on its way to the successor.
type passed struct {
	upgrade.Connection
	fd int
}

// passerOf returns the function that passes the connections of a listener.
func (n *passing) passerOf(l modgw.Listener) func(fd int, used bool) {
	return func(fd int, used bool) {
		c := passed{upgrade.Connection{Kind: l.Kind, Address: l.Address, Used: used}, fd}
		select {
		case n.queue <- c:
		default:
			os.NewFile(uintptr(fd), "connection").Close()
		}
	}
}

// send passes connections until the queue is closed.
func (n *passing) send() {
	for c := range n.queue {
		file := os.NewFile(uintptr(c.fd), "connection")
		if err := n.PassConnection(c.Connection, file); err != nil {
			n.log.Warn("connection closed, the new host cannot take it", "error", err.Error())
		}
		file.Close()
	}
}

// finish passes the remaining connections, and then leaves the successor alone. No connection may
// be passed any more.
func (n *passing) finish() {
	close(n.queue)
	n.sending.Wait()
	n.Leave()
}

// IsReplaced reports whether another host serves in place of this one.
func (h *Host) IsReplaced() bool { return h.succession.current() != nil }

// hostVersion is the version of a host as people read it.
func hostVersion(v string) string { return cmp.Or(v, "unknown") }
