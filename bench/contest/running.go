package contest

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Running is a contestant that is serving.
type Running struct {
	Contestant
	Address string // HOST:PORT that the client connects to
	Dir     string // its own folder, with the sites
	Socket  string // path of its Unix socket, when Apache is in front

	kit     *Kit
	setting Setting
	started []*program
}

//go:embed sites
var sites embed.FS

// fileSize is the size of the file that the bare WSGI app sends with wsgi.file_wrapper.
const fileSize = 10 << 20

// Start starts a contestant in a new folder below dir, and its Apache, and waits until the site's
// first page is served.
func (k *Kit) Start(ctx context.Context, dir string, c Contestant, s Setting) (*Running, error) {
	place, err := newPlace(dir)
	if err != nil {
		return nil, err
	}
	if err := k.equip(ctx, c, s, place); err != nil {
		return nil, err
	}
	launch, err := c.launch(k, s, place)
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", c.Name, err)
	}
	commands := [][]string{launch.Command}
	if s.Front == Apache {
		command, err := launch.Apache.write(place)
		if err != nil {
			return nil, err
		}
		commands = append(commands, command)
	}
	r := &Running{Contestant: c, Address: place.address(), Dir: place.Dir, Socket: place.Socket, kit: k, setting: s}
	for n, command := range commands {
		if len(command) == 0 {
			continue
		}
		p, err := k.start(command, place.Dir, fmt.Sprintf("server%d.log", n))
		if err != nil {
			r.Stop()
			return nil, fmt.Errorf("cannot start %s: %w", c.Name, err)
		}
		r.started = append(r.started, p)
	}
	if err := r.await(ctx); err != nil {
		r.Stop()
		return nil, fmt.Errorf("cannot start %s: %w\n%s", c.Name, err, r.Log())
	}
	return r, nil
}

// equip writes the files that the site needs besides its code.
func (k *Kit) equip(ctx context.Context, c Contestant, s Setting, p Place) error {
	for name, text := range map[string]string{"page.py": Code(1), "reload": ""} {
		if err := save(filepath.Join(p.Dir, name), text); err != nil {
			return err
		}
	}
	if !s.Dependency {
		return nil
	}
	wheel, err := Depend(p.Dir, 1)
	if err != nil || s.requires(c) {
		return err
	}
	return k.installInto(ctx, p.Dir, wheel)
}

func newPlace(parent string) (p Place, err error) {
	if p.Dir, err = os.MkdirTemp(parent, "app"); err != nil {
		return p, err
	}
	if err := os.Chmod(p.Dir, 0o755); err != nil {
		return p, err
	}
	p.Socket = filepath.Join(p.Dir, "app.sock")
	if p.Port, err = freePort(); err != nil {
		return p, err
	}
	files, err := fs.Sub(sites, "sites")
	if err != nil {
		return p, err
	}
	if err := os.CopyFS(p.Dir, files); err != nil {
		return p, err
	}
	return p, os.WriteFile(filepath.Join(p.Dir, "file.bin"), make([]byte, fileSize), 0o644)
}

// freePort returns a port on which no process listens, outside of the range that clients use.
func freePort() (int, error) {
	for port := 20000; port < 30000; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("cannot find a free port between 20000 and 30000")
}

const startupTime = 20 * time.Second

// await sends requests until the first page arrives.
func (r *Running) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startupTime)
	defer cancel()
	var last string
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.Address+"/", nil)
		if err != nil {
			return err
		}
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if response, err := client.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			last = response.Status
		} else {
			last = err.Error()
		}
		for _, p := range r.started {
			if p.hasEnded() {
				return errors.New("it has ended")
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %s", last)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Log returns the end of the output and logs of its programs.
func (r *Running) Log() string {
	var text strings.Builder
	logs, _ := filepath.Glob(filepath.Join(r.Dir, "*.log")) // the pattern is right
	for _, name := range logs {
		content, _ := os.ReadFile(name) // an unreadable log is not shown
		text.Write(content[max(0, len(content)-2000):])
	}
	return text.String()
}

// Told returns how often a text occurs in the output and logs of its programs.
func (r *Running) Told(text string) (times int) {
	logs, _ := filepath.Glob(filepath.Join(r.Dir, "*.log")) // the pattern is right
	for _, name := range logs {
		content, _ := os.ReadFile(name) // an unreadable log has no matches
		times += strings.Count(string(content), text)
	}
	return times
}

// Stop ends all processes and removes the folder.
func (r *Running) Stop() {
	for _, p := range r.started {
		p.stop()
	}
	_ = os.RemoveAll(r.Dir) // a leftover in the temporary folder does no harm
}

// program is a command in its own process group.
type program struct {
	pid   int
	ended chan struct{}
}

func (k *Kit) start(command []string, dir, log string) (*program, error) {
	if k.Processors != "" {
		command = append([]string{"taskset", "-c", k.Processors}, command...)
	}
	out, err := os.Create(filepath.Join(dir, log))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.Env = append(os.Environ(), "PYTHONPATH="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &program{pid: cmd.Process.Pid, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // its log shows how it ended
		close(p.ended)
	}()
	return p, nil
}

func (p *program) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// stop asks all of the program's processes to end, and kills them if they do not.
func (p *program) stop() {
	all := tree(p.pid)
	_ = syscall.Kill(p.pid, syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
	}
	for _, process := range all {
		if process.alive() {
			_ = syscall.Kill(process.pid, syscall.SIGKILL)
		}
	}
	<-p.ended
}
