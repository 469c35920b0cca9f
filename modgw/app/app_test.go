package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
)

// programEnv makes the test binary a program that serves.
const programEnv = "APP_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) == "" {
		os.Exit(m.Run())
	}
	err := Serve(StripMount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			fmt.Fprintln(os.Stderr, "slow began")
			time.Sleep(300 * time.Millisecond)
		}
		client, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "%s at %q for %s, %s", r.URL.Path, Mount(r), client, os.Getenv("LISTEN_FDS"))
	})))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// program is a program of this package that runs.
type program struct {
	*exec.Cmd
	stderr *lines
}

func start(t *testing.T, change func(*exec.Cmd)) program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := program{exec.Command(exe), &lines{}}
	p.Env = []string{programEnv + "=1", "GORACE=atexit_sleep_ms=0"}
	p.Stderr = p.stderr
	change(p.Cmd)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	return p
}

// get sends requests to a server until it is there.
func get(t *testing.T, network, address, path string, header ...string) string {
	t.Helper()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial(network, address)
	}}
	defer transport.CloseIdleConnections()
	r := httptest.NewRequest("GET", "http://x"+path, nil)
	r.RequestURI = ""
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for limit := time.Now().Add(watchtest.Patience); ; {
		response, err := transport.RoundTrip(r)
		if err == nil {
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Error(err)
			}
			return string(text)
		}
		if time.Now().After(limit) {
			t.Fatal(err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// socket returns a listener to be passed on.
func socket(t *testing.T) (path string, file *os.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "socket")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	defer l.Close()
	if file, err = l.File(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return path, file
}

// withPID starts the command as sd_listen_fds(3) wants it.
func withPID(c *exec.Cmd, file *os.File, name string) {
	c.Args = []string{"sh", "-c", `LISTEN_PID=$$; export LISTEN_PID; exec "$0"`, c.Path}
	c.Path = "/bin/sh"
	c.Env = append(c.Env, "LISTEN_FDS=1", "LISTEN_FDNAMES="+name)
	c.ExtraFiles = []*os.File{file}
}

func TestHostedByModgw(t *testing.T) {
	path, file := socket(t)
	start(t, func(c *exec.Cmd) { withPID(c, file, "modgw") })
	got := get(t, "unix", path, "/shop/cart", "X-Forwarded-Prefix", "/shop", "X-Forwarded-For", "192.0.2.1")
	if want := `/cart at "/shop" for 192.0.2.1, `; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStartedBySystemdBelievesNoHeader(t *testing.T) {
	path, file := socket(t)
	start(t, func(c *exec.Cmd) { withPID(c, file, "shop.socket") })
	got := get(t, "unix", path, "/shop/cart", "X-Forwarded-Prefix", "/shop", "X-Forwarded-For", "192.0.2.1")
	if want := `/shop/cart at "" for , `; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAlone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(address)
	for name, change := range map[string]func(*exec.Cmd){
		"-listen=": func(c *exec.Cmd) { c.Args = append(c.Args, "-v", "-listen="+address) },
		"--listen": func(c *exec.Cmd) { c.Args = append(c.Args, "--listen", address) },
		"PORT":     func(c *exec.Cmd) { c.Env = append(c.Env, "PORT="+port) },
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, change)
			if got, want := get(t, "tcp", address, "/a"), `/a at "" for 127.0.0.1, `; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			_ = p.Process.Signal(syscall.SIGTERM)
			if err := p.Wait(); err != nil {
				t.Errorf("it did not end well: %v", err)
			}
		})
	}
}

func TestRequestsInFlightEndBeforeTheProgram(t *testing.T) {
	path, file := socket(t)
	p := start(t, func(c *exec.Cmd) { withPID(c, file, "modgw") })
	got := make(chan string)
	go func() { got <- get(t, "unix", path, "/slow") }()
	for !strings.Contains(p.stderr.String(), "slow began") {
		<-time.After(time.Millisecond)
	}
	_ = p.Process.Signal(syscall.SIGTERM)
	if text := <-got; !strings.HasPrefix(text, "/slow") {
		t.Errorf("got %q", text)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
}

func TestCGI(t *testing.T) {
	var out bytes.Buffer
	p := start(t, func(c *exec.Cmd) {
		c.Env = append(c.Env, "GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=GET", "SERVER_PROTOCOL=HTTP/1.1", "HTTP_HOST=x",
			"SCRIPT_NAME=/cgi-bin/shop", "PATH_INFO=/cart", "REQUEST_URI=/cgi-bin/shop/cart", "REMOTE_ADDR=192.0.2.1")
		c.Stdout = &out
	})
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	if want := `/cart at "/cgi-bin/shop" for 192.0.2.1, `; !strings.HasPrefix(out.String(), "Status: 200") || !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q", out.String())
	}
}

func TestFastCGI(t *testing.T) {
	path, file := socket(t)
	p := start(t, func(c *exec.Cmd) { c.Stdin = file })
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write(fastCGIRequest(map[string]string{
		"REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "x", "REQUEST_URI": "/cart", "REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "1",
	}))
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.Contains(answer, []byte(`/cart at "" for 192.0.2.1, `)) {
		t.Errorf("got %q, %v", answer, err)
	}
	_ = p.Process.Signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
}

// fastCGIRequest returns a request without a body that does not keep its connection.
func fastCGIRequest(params map[string]string) []byte {
	var pairs []byte
	for name, value := range params {
		pairs = append(append(append(pairs, byte(len(name)), byte(len(value))), name...), value...)
	}
	var all []byte
	for _, r := range []struct {
		kind    byte
		content []byte
	}{{1, []byte{0, 1, 0, 0, 0, 0, 0, 0}}, {4, pairs}, {4, nil}, {5, nil}} {
		all = append(all, 1, r.kind, 0, 1, byte(len(r.content)>>8), byte(len(r.content)), 0, 0)
		all = append(all, r.content...)
	}
	return all
}
