package apache

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// RunConfig is the configuration of a private Apache.
type RunConfig struct {
	Options // Port 0: 8080

	Program   string             // path of httpd; "": the first that is found
	Dir       string             // absolute folder for configuration and state, made if missing
	Address   string             // IP address to listen on; "": 127.0.0.1
	AccessLog string             // file; "": none is written
	Apps      []modgw.Descriptor // apps to serve
	Listeners []modgw.Listener   // listeners of the host
	Log       *slog.Logger       // nil: nothing is logged
}

// Server is a private Apache. It listens on its own ports and shares nothing with the system's
// Apache.
type Server struct {
	program string
	dir     string
	address string
	url     string
	log     *slog.Logger
	ready   chan struct{}
	tail    proc.Tail // the last lines of Apache's log

	startGrace time.Duration // how long Apache may take until it answers

	mu          sync.Mutex
	config      RunConfig
	installed   *Program
	process     *proc.Process // nil while it does not run
	unreachable string        // last reported reason why it does not reach the host
}

const (
	pidFile     = "httpd.pid"
	configFile  = "httpd.conf"
	emptyFolder = "empty"
	stopGrace   = 12 * time.Second // a little more than GracefulShutdownTimeout
	startGrace  = 30 * time.Second
)

// New returns a server. It starts nothing.
func New(c RunConfig) *Server {
	c = c.withDefaults()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{program: c.Program, dir: c.Dir, log: c.Log, config: c, startGrace: startGrace, ready: make(chan struct{})}
	s.address = net.JoinHostPort(c.Address, strconv.Itoa(c.Port))
	s.url = "http://" + s.address
	if c.TLS != nil {
		s.url = "https://" + s.address
	}
	return s
}

// RunningFile is the configuration of the Apache that a [Server] runs in a folder; "": none runs.
func RunningFile(dir string) string {
	file := filepath.Join(dir, configFile)
	if pid := pidIn(dir); pid == 0 || !runs(pid, file) {
		return ""
	}
	return file
}

// Ready closes when Apache answers for the first time.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// URL is where it answers.
func (s *Server) URL() string { return s.url }

// Prepare reports early the reasons why Apache could not run: it is not installed, a module is
// missing, or its port is in use. It stops an Apache that an earlier run left behind. Run does all
// this too.
func (s *Server) Prepare(ctx context.Context) error {
	program, err := Find(ctx, s.program)
	if err != nil {
		return err
	}
	if err := prepare(s.dir); err != nil {
		return err
	}
	if err := endStale(ctx, s.dir); err != nil {
		return err
	}
	if err := s.use(ctx, program); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", s.address)
	if err != nil {
		return cannotListen(s.address, err)
	}
	return ln.Close()
}

// use writes the configuration for a program.
func (s *Server) use(ctx context.Context, program *Program) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.installed = program
	return s.configure(ctx, s.config)
}

// Run runs Apache in the foreground until ctx is done, then lets requests in flight finish and
// returns nil when all its processes have ended. It may be called once. A configuration that Apache
// does not accept, and an unexpected end, are errors with Apache's own words.
func (s *Server) Run(ctx context.Context) error {
	if err := s.run(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *Server) run(ctx context.Context) error {
	if err := s.Prepare(ctx); err != nil {
		return err
	}
	s.warnUnreachable()
	process, err := s.start(ctx)
	if err != nil {
		return err
	}
	return s.supervise(ctx, process)
}

// Reload changes the set of apps: Apache takes the new configuration gracefully, without dropping a
// request. When it does not accept it, it keeps the old one. While no Apache runs, it
// only keeps the apps for the next start.
func (s *Server) Reload(ctx context.Context, apps []modgw.Descriptor) error {
	if err := s.awaitReady(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.config
	next.Apps = apps
	if s.process != nil {
		if err := s.configure(ctx, next); err != nil {
			return err
		}
		s.process.SignalLeader(syscall.SIGUSR1)
	}
	s.config = next
	return nil
}

// awaitReady waits while Apache starts: the signal for a graceful restart would end it.
func (s *Server) awaitReady(ctx context.Context) error {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	if process == nil {
		return nil
	}
	select {
	case <-s.ready:
		return nil
	case <-process.Done():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func prepare(dir string) error {
	for _, d := range []string{dir, filepath.Join(dir, emptyFolder)} {
		if err := files.MakeFolder(d, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// configure writes the configuration after Apache has accepted it. The caller holds mu.
func (s *Server) configure(ctx context.Context, c RunConfig) error {
	text, err := privateConfig(s.installed, c)
	if err != nil {
		return err
	}
	candidate := filepath.Join(c.Dir, configFile+".new")
	if err := atomicfile.Write(candidate, text, 0o644); err != nil {
		return err
	}
	if out, err := ask(ctx, s.installed.Path, "-t", "-f", candidate); err != nil {
		return rejected(out, err)
	}
	return os.Rename(candidate, filepath.Join(c.Dir, configFile))
}

func (s *Server) start(ctx context.Context) (*proc.Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.configure(ctx, s.config); err != nil {
		return nil, err
	}
	process, err := proc.Start(proc.Spec{
		Path:   s.installed.Path,
		Args:   []string{"-f", filepath.Join(s.dir, configFile), "-DFOREGROUND"},
		Env:    []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"},
		Dir:    s.dir,
		Output: proc.Output{Line: s.line},
	})
	s.process = process
	return process, err
}

// supervise waits until Apache answers, and then for the end of ctx or of Apache.
func (s *Server) supervise(ctx context.Context, process *proc.Process) error {
	answers := make(chan bool, 1)
	asking, stopAsking := context.WithTimeout(ctx, s.startGrace)
	var asker sync.WaitGroup
	asker.Go(func() { answers <- untilAnswering(asking, process.PID(), s.dir, s.address) })
	defer asker.Wait()
	defer stopAsking()
	stop := process.Terminate
	for {
		select {
		case <-process.Done():
			s.ended()
			return ended(process.Exit().String(), s.tail.String())
		case ok := <-answers:
			switch {
			case ok:
				s.log.Info("apache ready", "url", s.url, "version", s.installed.Version, "pid", process.PID())
				close(s.ready)
				stop = func(grace time.Duration) { gracefulStop(process, grace) }
			case ctx.Err() == nil:
				process.Kill()
				<-process.Done()
				s.ended()
				return silent(s.address, s.startGrace, s.tail.String())
			}
		case <-ctx.Done():
			stop(stopGrace)
			s.ended()
			s.log.Info("apache stopped")
			return nil
		}
	}
}

// gracefulStop lets requests in flight finish. Before Apache answers it would not know the signal.
func gracefulStop(process *proc.Process, grace time.Duration) {
	process.SignalLeader(syscall.SIGWINCH)
	select {
	case <-process.Done():
	case <-time.After(grace):
		process.Terminate(time.Second)
	}
}

func (s *Server) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process = nil
}
