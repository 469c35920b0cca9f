package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/bench/testbed"
)

// The tenants: users that exist on every system, and that have no processes.
const (
	attacker  = "daemon"
	neighbour = "bin"
)

const (
	// startTime limits the start of a host.
	startTime = 60 * time.Second

	// answerTime limits the wait for the answer to an attack.
	answerTime = 60 * time.Second

	// logTime limits the wait for a line in the log.
	logTime = 5 * time.Second

	// foreign is an address of another machine, which no app was granted.
	foreign = "10.99.0.1"

	// foreignPort is a port of foreign. The app in Go was granted this port at the next address.
	foreignPort = 5432
)

//go:embed apps
var apps embed.FS

// hostFile is root's host file, which defines the tenants.
const hostFile = `apps  = ["apps/*/*.hcl"]
state = "state"
listen "http" { address = "127.0.0.1:{{port}}" }
control { address = "unix:{{dir}}/run/control.sock" }
tenant "daemon" {
  hosts = ["attacker.test"]
  apps  = 4
  ceilings {
    workers = 2
    limits {
      memory    = "192MiB"
      cpu       = "0.5"
      processes = 64
      files     = 256
    }
    sandbox { network = ["10.99.0.2:5432"] }
  }
}
tenant "bin" {
  hosts = ["127.0.0.1"]
}
`

// descriptors maps folder and name to the descriptors of the apps.
var descriptors = map[string]string{
	"attacker/python.hcl": `app "python" {
  hosts = ["attacker.test"]
  wsgi {
    entry   = "attack:application"
    workers = 1
    threads = 4
  }
  python { version = "/usr/bin/python3" }
  timeouts { request = "20s" }
  sendfile "/private" { dir = "private" }
  alias "/files" { dir = "files" }
}
`,
	"attacker/go.hcl": `app "go" {
  hosts = ["attacker.test"]
  mount = "/go"
  http {
    command     = ["./hostile"]
    strip_mount = true
  }
  sandbox { network = ["10.99.0.2:5432"] }
}
`,
	"attacker/cgi.hcl": `app "cgi" {
  hosts = ["attacker.test"]
  mount = "/cgi"
  cgi { dir = "cgi-bin" }
  timeouts { request = "20s" }
}
`,
	"neighbour/neighbour.hcl": `app "neighbour" {
  hosts = ["127.0.0.1"]
  wsgi {
    entry   = "neighbour:application"
    workers = 1
    threads = 4
  }
  python { version = "/usr/bin/python3" }
  env_file = ".env"
  env      = { HERE = "{{dir}}/apps/neighbour" }
}
`,
}

// scene is a folder with a host that serves two tenants.
type scene struct {
	dir     string
	program string // modgw-host
	rate    float64
	window  time.Duration // 0: the neighbour is not measured

	address string            // address of the listener
	secret  string            // only the neighbour may have it
	facts   map[string]string // facts about the neighbour and the host, for attacks
	host    *testbed.Program
	closers []io.Closer
}

func (s *scene) path(name string) string { return filepath.Join(s.dir, name) }

// hostile returns the path of the program of the hostile app in Go.
func (s *scene) hostile() string { return s.path("apps/attacker/hostile") }

// fill replaces the {{names}} whose values only the scene knows.
func (s *scene) fill(text string) string {
	_, port, _ := net.SplitHostPort(s.address) // it always has a port
	pairs := []string{"{{dir}}", s.dir, "{{port}}", port, "{{program}}", s.program, "{{setuid}}", s.path("apps/attacker/set-uid")}
	for name, value := range s.facts {
		pairs = append(pairs, "{{"+name+"}}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// homeSize is the size of the file system with the attacker's files.
const homeSize = "64m"

// mountHome mounts a separate file system for the attacker's files, as docs/tenants.md advises for
// tenants who do not trust each other. end unmounts it.
func (s *scene) mountHome() error {
	home := s.path("apps/attacker")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("attacker", home, "tmpfs", unix.MS_NODEV, "mode=0755,size="+homeSize); err != nil {
		return fmt.Errorf("cannot give the attacker a file system: %w", err)
	}
	s.closers = append(s.closers, mounted(home))
	return nil
}

// mounted is a folder on which a file system is mounted.
type mounted string

// Close implements [io.Closer].
func (m mounted) Close() error { return unix.Unmount(string(m), unix.MNT_DETACH) }

// begin writes the apps and starts the host. It returns when the host serves all of them.
func (s *scene) begin(ctx context.Context) error {
	s.secret = fmt.Sprintf("secret-%d", time.Now().UnixNano())
	var err error
	if s.address, err = testbed.FreeAddress(); err != nil {
		return err
	}
	if err := s.writeApps(); err != nil {
		return err
	}
	if err := s.listenElsewhere(); err != nil {
		return err
	}
	if s.host, err = testbed.Start(s.dir, nil, s.program, "serve", "-c", s.path("host.hcl")); err != nil {
		return err
	}
	for _, app := range []string{"/tcp?address=127.0.0.1&port=1", "/go/read?of=/", "/cgi/attack.cgi?read=/"} {
		err := s.host.Await(ctx, startTime, func(ctx context.Context) error { _, err := s.attackerAnswers(ctx, app); return err })
		if err != nil {
			return err
		}
	}
	return s.host.Await(ctx, startTime, s.learn)
}

// writeApps writes the files of the host and of the tenants, who own their files.
func (s *scene) writeApps() error {
	for _, folder := range []string{"run", "apps/attacker/cgi-bin", "apps/attacker/files", "apps/attacker/private", "apps/neighbour"} {
		if err := os.MkdirAll(s.path(folder), 0o755); err != nil {
			return err
		}
	}
	files := map[string]string{
		"host.hcl":                  hostFile,
		"apps/neighbour/.env":       "SECRET=" + s.secret + "\n",
		"apps/neighbour/secret.txt": s.secret + "\n",
		"apps/neighbour/open.txt":   s.secret + "\n",
		"host-secret":               s.secret + "\n",
	}
	for name, text := range descriptors {
		files["apps/"+name] = text
	}
	for from, to := range map[string]string{
		"attack.py": "attacker", "neighbour.py": "neighbour", "attack.cgi": "attacker/cgi-bin",
	} {
		text, err := apps.ReadFile("apps/" + from)
		if err != nil {
			return err
		}
		files["apps/"+to+"/"+from] = string(text)
	}
	private := map[string]bool{"apps/neighbour/.env": true, "apps/neighbour/secret.txt": true, "host-secret": true}
	for name, text := range files {
		mode := os.FileMode(0o644)
		switch {
		case private[name]:
			mode = 0o600
		case strings.HasPrefix(text, "#!"):
			mode = 0o755
		}
		if !strings.Contains(name, ".py") {
			text = s.fill(text)
		}
		if err := os.WriteFile(s.path(name), []byte(text), mode); err != nil {
			return err
		}
	}
	return errors.Join(s.give(attacker, "apps/attacker"), s.give(neighbour, "apps/neighbour"), s.makeSetUID())
}

// makeSetUID puts root's program with the set-uid bit into the hostile app's folder.
func (s *scene) makeSetUID() error {
	program, err := os.ReadFile("/usr/bin/python3")
	if err != nil {
		return err
	}
	path := s.path("apps/attacker/set-uid")
	return errors.Join(os.WriteFile(path, program, 0o755), os.Chmod(path, 0o755|os.ModeSetuid))
}

// give changes the owner of a file, or of a folder with everything in it, to the named user.
func (s *scene) give(name, path string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return filepath.WalkDir(s.path(path), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
}

// listenElsewhere opens a port at an address that no app was granted.
func (s *scene) listenElsewhere() error {
	l, err := net.Listen("tcp", net.JoinHostPort(foreign, strconv.Itoa(foreignPort)))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, l) // the kernel accepts for it
	s.facts = map[string]string{"foreign": foreign, "foreignport": strconv.Itoa(foreignPort)}
	return nil
}

// end ends the host.
func (s *scene) end() {
	s.host.Stop()
	for _, c := range s.closers {
		c.Close()
	}
}

// learn asks the neighbour and the host for the facts that attacks need.
func (s *scene) learn(ctx context.Context) error {
	status, text, err := s.get(ctx, "127.0.0.1", "/facts")
	if err != nil {
		return err
	}
	var facts map[string]any
	if err := json.Unmarshal([]byte(text), &facts); status != http.StatusOK || err != nil {
		return fmt.Errorf("the neighbour answers %d %q", status, text)
	}
	for name, value := range facts {
		if name == "port" {
			name = "port-of-neighbour"
		}
		s.facts[name] = fmt.Sprint(value)
		if n, ok := value.(float64); ok {
			s.facts[name] = strconv.Itoa(int(n))
		}
	}
	s.facts["host"] = strconv.Itoa(s.host.PID)
	return nil
}

// attackerAnswers sends a request to a hostile app.
func (s *scene) attackerAnswers(ctx context.Context, path string) (string, error) {
	status, text, err := s.get(ctx, "attacker.test", path)
	if err == nil && (status == http.StatusNotFound || status == http.StatusServiceUnavailable) {
		err = fmt.Errorf("the app answers %d %s", status, text)
	}
	return text, err
}

// get requests a page of a host name.
func (s *scene) get(ctx context.Context, host, path string) (status int, body string, err error) {
	status, _, body, err = s.exchange(ctx, host, path)
	return status, body, err
}

func (s *scene) exchange(ctx context.Context, host, path string) (status int, head http.Header, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return 0, nil, "", err
	}
	r.Host = host
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, answer.Header, string(text), err
}

// log returns the host's log.
func (s *scene) log() string {
	if s.host == nil {
		return ""
	}
	text, err := os.ReadFile(s.host.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// audit returns the host's audit log.
func (s *scene) audit() string {
	text, err := os.ReadFile(s.path("state/audit.log"))
	if err != nil {
		return "" // there was none yet
	}
	return string(text)
}

// as runs modgw-host as a user, with the host's control socket.
func (s *scene) as(ctx context.Context, user string, args ...string) (string, error) {
	args = append([]string{"--reuid=" + user, "--regid=" + user, "--init-groups", s.program}, args...)
	cmd := exec.CommandContext(ctx, "setpriv", append(args, "--control", "unix:"+s.path("run/control.sock"))...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}
