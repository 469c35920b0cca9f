package fronttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
)

// Server is a web server that runs until the test ends.
type Server struct {
	URL  string // "http://127.0.0.1:40001", without a slash at its end
	Addr string // "127.0.0.1:40001"
	PID  int    // main process
	Dir  string // the server's own folder, which everyone may enter

	log    *watchtest.Log
	reload syscall.Signal // signal that makes PID reload its configuration and lets requests finish
}

// Reload makes the server reload its configuration, gracefully. It does not wait for it.
func (s *Server) Reload(t testing.TB) {
	t.Helper()
	if err := syscall.Kill(s.PID, s.reload); err != nil {
		t.Fatal(err)
	}
}

// Log returns the output and logs of the server.
func (s *Server) Log() string { return s.log.String() }

// Require returns the path of a program. If the program is missing, it skips the test; if CI is
// set, it fails the test.
func Require(t testing.TB, program, aptPackage string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path
		}
	}
	message := fmt.Sprintf("%s is not installed: apt install %s", program, aptPackage)
	if os.Getenv("CI") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

// Dir creates a folder that all users can enter, unlike [testing.T.TempDir], and whose path is
// short enough for Unix sockets. It is removed when the test ends.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "front")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil { // a process still writes into it
			t.Errorf("cannot remove the folder of the test: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The range of FreePort, below the ports that Linux assigns to sockets without a chosen port
// (net.ipv4.ip_local_port_range).
const (
	firstPort = 20000
	lastPort  = 31999
)

// FreePort returns an unused TCP port of the loopback interface that no other test, in any process,
// gets until this one has ended.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		// An abstract socket leaves no file.
		taken, err := net.Listen("unix", fmt.Sprintf("@modgw test port %d", port))
		if err != nil {
			continue
		}
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			taken.Close()
			continue
		}
		ln.Close()
		t.Cleanup(func() { taken.Close() })
		return port
	}
	t.Fatal("no port is free")
	return 0
}

// start runs a server's command in the foreground and waits until it answers on port. reload is the
// signal that makes the server reload its configuration.
func start(t testing.TB, dir string, port int, reload syscall.Signal, command ...string) *Server {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	s := &Server{URL: "http://" + addr, Addr: addr, Dir: dir, log: new(watchtest.Log), reload: reload}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+temporaryFolder(t, dir))
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.WaitDelay = 5 * time.Second
	// The process ends with a test that is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.PID = cmd.Process.Pid
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its log shows how it ended
		close(ended)
	}()
	t.Cleanup(func() {
		stop(s.PID, ended)
		if t.Failed() {
			t.Logf("log of %s:\n%s", filepath.Base(command[0]), s.Log())
		}
	})
	s.waitUntilAnswering(t, ended)
	return s
}

// temporaryFolder creates a folder for the server's temporary files, which any user may write. It
// is removed with dir.
func temporaryFolder(t testing.TB, dir string) string {
	t.Helper()
	temporary := filepath.Join(dir, "tmp")
	if err := os.Mkdir(temporary, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(temporary, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return temporary
}

// stop ends a process group: politely, then by force.
func stop(pid int, ended <-chan struct{}) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		_ = syscall.Kill(-pid, signal) // it may have ended by itself
		select {
		case <-ended:
			_ = syscall.Kill(-pid, syscall.SIGKILL) // children that stayed behind
			return
		case <-time.After(5 * time.Second):
		}
	}
	<-ended
}

// waitUntilAnswering sends nonsense until the server rejects it. A server listens before it is
// ready to answer, and a proper request could reach the test's own handlers.
func (s *Server) waitUntilAnswering(t testing.TB, ended <-chan struct{}) {
	t.Helper()
	deadline := time.After(watchtest.Patience)
	for !s.answers() {
		select {
		case <-ended:
			t.Fatalf("the server ended:\n%s", s.Log())
		case <-deadline:
			t.Fatalf("the server does not answer on %s:\n%s", s.Addr, s.Log())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) answers() bool {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write([]byte("nonsense\r\n\r\n")); err != nil {
		return false
	}
	n, _ := conn.Read(make([]byte, 1))
	return n == 1
}

// output returns the output of a command, regardless of its exit code.
func output(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func lines(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
