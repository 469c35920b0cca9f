package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startTime = time.Minute      // until it answers
	stopTime  = 15 * time.Second // until it is killed
	askEvery  = 50 * time.Millisecond
)

// Server is an Apache that runs.
type Server struct {
	Plain  *url.URL // address of its sites without TLS; nil: there are none
	Secure *url.URL // address of its sites with TLS; nil: there are none
	Names  []string // names of its sites, without patterns

	stop  context.CancelFunc
	ended chan struct{} // closed when its process has ended
}

// Start runs Apache and waits until it listens. The caller stops it.
func Start(ctx context.Context, c Config) (*Server, error) {
	config, err := c.write()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.Dir, "httpd.conf")
	if err := os.WriteFile(path, []byte(config.text), 0o600); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	process := exec.CommandContext(running, c.Program.Path, "-f", path, "-DFOREGROUND")
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	process.WaitDelay = stopTime
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output bytes.Buffer
	process.Stdout, process.Stderr = &output, &output
	if err := process.Start(); err != nil {
		stop()
		return nil, err
	}
	s := &Server{Names: config.names, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		// how it ended does not matter once it was to end
		_ = process.Wait()
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL) // its child processes
	}()
	if config.plain != 0 {
		s.Plain = &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(config.plain))}
	}
	if config.secure != 0 {
		s.Secure = &url.URL{Scheme: "https", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(config.secure))}
	}
	if err := s.wait(ctx); err != nil {
		s.Stop()
		return nil, c.cannotStart(err, output.String())
	}
	return s, nil
}

// Stop ends Apache and waits for the end of its process.
func (s *Server) Stop() {
	s.stop()
	<-s.ended
}

var errEnded = errors.New("it has ended")

// wait waits until Apache listens.
func (s *Server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	address := s.Plain
	if address == nil {
		address = s.Secure
	}
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address.Host)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.ended:
			return errEnded
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(askEvery):
		}
	}
}

// lastLines is the number of lines of its output and log in the error if Apache does not run.
const lastLines = 12

func (c *Config) cannotStart(err error, output string) error {
	log, _ := os.ReadFile(filepath.Join(c.Dir, "error.log")) // there may be none yet
	lines := strings.Split(strings.TrimSpace(output+"\n"+string(log)), "\n")
	lines = lines[max(0, len(lines)-lastLines):]
	return fmt.Errorf("cannot start Apache with this configuration: %w\n%s", err, strings.Join(lines, "\n"))
}
