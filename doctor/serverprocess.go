package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/modgw/modgw/modgw"
)

// checkTimeout bounds how long a web server may take to check its configuration.
const checkTimeout = 30 * time.Second

// check lets the web server check its configuration.
func (s Server) check(ctx context.Context) error {
	if s.Program == "" {
		return nil
	}
	args := map[Kind][]string{
		Apache: {"-t", "-f", s.File}, Nginx: {"-t", "-q", "-c", s.File}, Lighttpd: {"-tt", "-f", s.File}, HAProxy: {"-c", "-q", "-f", s.File},
	}[s.Kind]
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.Program, args...)
	cmd.Env = os.Environ()
	for name, value := range s.Variables {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.WaitDelay = time.Second
	output, err := cmd.CombinedOutput()
	if err != nil {
		return &modgw.Fault{
			Code:    "MGW-DOC-092",
			Summary: fmt.Sprintf("cannot change %q: %s does not accept the change", s.File, filepath.Base(s.Program)),
			Output:  string(output),
			Err:     err,
		}
	}
	return nil
}

// pidDirectives has the directive that names the pid file, and its default path.
var pidDirectives = map[Kind]struct {
	name  string
	arg   int
	usual []string
}{
	Apache:   {"PidFile", 0, []string{"/run/apache2/apache2.pid", "/run/httpd/httpd.pid", "/usr/local/apache2/logs/httpd.pid"}},
	Nginx:    {"pid", 0, []string{"/run/nginx.pid", "/var/run/nginx.pid", "/usr/local/nginx/logs/nginx.pid"}},
	Lighttpd: {"server.pid-file", 1, []string{"/run/lighttpd.pid", "/var/run/lighttpd.pid"}},
	HAProxy:  {"pidfile", 0, []string{"/run/haproxy.pid", "/var/run/haproxy.pid"}},
}

// process returns the process id of the running web server; 0 when it does not run.
func (s *server) process() int {
	directive := pidDirectives[s.Kind]
	files := directive.usual
	if named := s.tree.Everywhere(directive.name); len(named) > 0 {
		files = []string{named[len(named)-1].Arg(directive.arg)}
	}
	program, err := filepath.EvalSymlinks(s.Program)
	if err != nil {
		return 0
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
		pid, err := strconv.Atoi(first)
		if err != nil || pid <= 1 {
			continue
		}
		// A file of an earlier run may have a number that is another program's today.
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if err == nil && strings.TrimSuffix(exe, " (deleted)") == program {
			return pid
		}
	}
	return 0
}

// children returns the processes that a process has started.
func children(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

// untilReplaced waits until none of the processes is left that served with the old configuration,
// or for a while: a long request keeps one alive.
func untilReplaced(ctx context.Context, pid int, old []string) {
	ctx, cancel := context.WithTimeout(ctx, replaceTimeout)
	defer cancel()
	for {
		now := children(pid)
		if len(now) > 0 && !slices.ContainsFunc(now, func(child string) bool { return slices.Contains(old, child) }) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(replaceInterval):
		}
	}
}

// reload makes the web server reload its configuration without losing requests. A server that does
// not run reads it when it starts.
func (s *server) reload(ctx context.Context) error {
	if s.Program == "" {
		return nil
	}
	pid := s.process()
	if pid == 0 {
		return nil
	}
	signal := map[Kind]syscall.Signal{
		Apache: syscall.SIGUSR1, Nginx: syscall.SIGHUP, Lighttpd: syscall.SIGUSR1, HAProxy: syscall.SIGUSR2,
	}[s.Kind]
	old := children(pid)
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return notReloaded(s.Program, err)
	}
	if len(old) > 0 {
		untilReplaced(ctx, pid, old)
	}
	return nil
}
