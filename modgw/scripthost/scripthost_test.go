package scripthost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/modgw/fcgi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// temporary makes the folder for temporary files one of the test's own, with a short name.
func temporary(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "res")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
	t.Setenv("XDG_RUNTIME_DIR", "")
	return dir
}

func TestFolderIsPrivate(t *testing.T) {
	dir := temporary(t)
	folder, err := FolderFor("a")
	if err != nil || !strings.HasPrefix(string(folder), dir) {
		t.Fatalf("got %q, %v", folder, err)
	}
	if again, err := FolderFor("a"); again != folder || err != nil {
		t.Errorf("got %q, %v", again, err)
	}
	if other, err := FolderFor("b"); other == folder || err != nil {
		t.Errorf("got %q, %v", other, err)
	}
	info, err := os.Stat(string(folder))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	parent := filepath.Dir(string(folder))
	for name, spoil := range map[string]func() error{
		"others may enter": func() error { return os.Chmod(parent, 0o755) },
		"a link": func() error {
			return errors.Join(os.Rename(parent, parent+".real"), os.Symlink(parent+".real", parent))
		},
		"a file": func() error { return errors.Join(os.Remove(parent), os.WriteFile(parent, nil, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := spoil(); err != nil {
				t.Skip(err) // in this order of the table
			}
			if _, err := FolderFor("a"); err == nil {
				t.Error("it is used")
			}
		})
	}
}

func TestRuntimeFolderIsUsedWhenItIsPrivate(t *testing.T) {
	temporary(t)
	runtime := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	if err := os.Chmod(runtime, 0o755); err != nil {
		t.Fatal(err)
	}
	if folder, err := FolderFor("a"); err != nil || strings.HasPrefix(string(folder), runtime) {
		t.Errorf("got %q, %v", folder, err)
	}
	if err := os.Chmod(runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	if folder, err := FolderFor("a"); err != nil || !strings.HasPrefix(string(folder), runtime) {
		t.Errorf("got %q, %v", folder, err)
	}
}

// host plays a host that answers each request with its body.
func host(t *testing.T, answer func(conn net.Conn, number int64)) Host {
	t.Helper()
	temporary(t)
	folder, err := FolderFor(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", folder.Socket())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-ended })
	var count atomic.Int64
	go func() {
		defer close(ended)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			answer(conn, count.Add(1))
			conn.Close()
		}
	}()
	return Host{Folder: folder, Command: []string{"/bin/false"}}
}

// echo answers with the body of a request.
func echo(conn net.Conn, _ int64) {
	var r fcgi.Reader
	r.Reset(conn, make([]byte, 70000), 0)
	b := fcgi.AppendStream(nil, fcgi.TypeStderr, 1, []byte("a problem\n"))
	b = fcgi.AppendStream(b, fcgi.TypeStdout, 1, []byte("Status: 200 OK\r\n\r\n"))
	for {
		h, err := r.Next()
		if err != nil {
			return
		}
		content, _ := io.ReadAll(&r)
		if h.Type == fcgi.TypeStdin && len(content) == 0 {
			break
		}
		if h.Type == fcgi.TypeStdin {
			b = fcgi.AppendStream(b, fcgi.TypeStdout, 1, content)
		}
	}
	_, _ = conn.Write(fcgi.AppendEnd(b, 1, fcgi.End{}))
}

var environ = []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=4", "PATH=/bin", "LD_PRELOAD=x"}

func TestRequestIsAnsweredByTheHost(t *testing.T) {
	h := host(t, echo)
	var out, problems strings.Builder
	err := h.Answer(t.Context(), environ, strings.NewReader("bodyand more"), &out, &problems)
	if err != nil || out.String() != "Status: 200 OK\r\n\r\nbody" || problems.String() != "a problem\n" {
		t.Errorf("got %q, %q, %v", out.String(), problems.String(), err)
	}
}

func TestBodyIsReadThoughTheResponseCameFirst(t *testing.T) {
	h := host(t, func(conn net.Conn, _ int64) {
		_, _ = io.ReadFull(conn, make([]byte, 1000))
		_, _ = conn.Write(fcgi.AppendEnd(fcgi.AppendStream(nil, fcgi.TypeStdout, 1, []byte("too large")), 1, fcgi.End{}))
	})
	body := strings.NewReader(strings.Repeat("x", 3<<20))
	var out strings.Builder
	err := h.Answer(t.Context(), []string{"REQUEST_METHOD=POST", fmt.Sprint("CONTENT_LENGTH=", 3<<20)}, body, &out, io.Discard)
	if err != nil || out.String() != "too large" || body.Len() > 0 {
		t.Errorf("got %q, %v; %d bytes of the body are left", out.String(), err, body.Len())
	}
}

func TestBodyOfUnknownLengthIsReadToItsEnd(t *testing.T) {
	h := host(t, echo)
	var out strings.Builder
	err := h.Answer(t.Context(), []string{"REQUEST_METHOD=POST", "HTTP_TRANSFER_ENCODING=chunked"}, strings.NewReader("body in chunks"), &out, io.Discard)
	if err != nil || !strings.HasSuffix(out.String(), "body in chunks") {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestRequestThatNobodyReadIsSentAgain(t *testing.T) {
	h := host(t, func(conn net.Conn, number int64) {
		if number > 1 {
			echo(conn, number)
		}
	})
	var out strings.Builder
	err := h.Answer(t.Context(), environ, strings.NewReader("body"), &out, io.Discard)
	if err != nil || !strings.HasSuffix(out.String(), "body") {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestResponseThatBreaksOffIsAnError(t *testing.T) {
	h := host(t, func(conn net.Conn, _ int64) {
		_, _ = conn.Read(make([]byte, 70000))
		_, _ = conn.Write(fcgi.AppendStream(nil, fcgi.TypeStdout, 1, []byte("Status: 200 OK\r\n\r\nhalf")))
	})
	err := h.Answer(t.Context(), environ[:1], strings.NewReader(""), io.Discard, io.Discard)
	if _, cut := errors.AsType[*CutError](err); !cut {
		t.Errorf("got %v", err)
	}
}

func TestOnlyVariablesOfTheRequestReachTheHost(t *testing.T) {
	for variable, is := range map[string]bool{
		"REQUEST_METHOD": true, "HTTP_HOST": true, "PATH_INFO": true, "SSL_CLIENT_S_DN": true, "HTTPS": true, "REMOTE_USER": true,
		"PATH": false, "LD_PRELOAD": false, "HOME": false, "PYTHONPATH": false, "MODGW_APP": false, "BASH_ENV": false,
	} {
		if isRequests(variable) != is {
			t.Errorf("%s", variable)
		}
	}
	for _, bad := range [][]string{nil, {"PATH=/bin"}, {"REQUEST_METHOD=GET", "CONTENT_LENGTH=-1"}, {"REQUEST_METHOD=GET", "CONTENT_LENGTH=x"}} {
		if _, _, err := request(bad); err == nil {
			t.Errorf("%q is a request", bad)
		}
	}
}

// TestResponseWaitsForAWebServerThatSendsAllOfABodyFirst covers mod_fcgid's handling of a response
// that arrives early.
func TestResponseWaitsForAWebServerThatSendsAllOfABodyFirst(t *testing.T) {
	h := host(t, func(conn net.Conn, _ int64) {
		_, _ = io.ReadFull(conn, make([]byte, 1000))
		_, _ = conn.Write([]byte("too large"))
	})
	ln, err := net.Listen("unix", filepath.Join(string(h.Folder), "web"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.Relay(ctx, ln, slog.New(slog.DiscardHandler)) }()
	web, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.Write(make([]byte, 3<<20)); err != nil {
		t.Errorf("the body: %v", err)
	}
	if response, err := io.ReadAll(web); err != nil || string(response) != "too large" {
		t.Errorf("got %q, %v", response, err)
	}
	web.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestHostThatEndsIsNamed(t *testing.T) {
	temporary(t)
	folder, err := FolderFor("a")
	if err != nil {
		t.Fatal(err)
	}
	h := Host{Folder: folder, Command: []string{"/bin/sh", "-c", "echo no such app; exit 3"}}
	if _, err := h.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), "no such app") {
		t.Errorf("got %v", err)
	}
}

func TestIdleHostIsTold(t *testing.T) {
	temporary(t)
	folder, err := FolderFor("a")
	if err != nil {
		t.Fatal(err)
	}
	expired := make(chan struct{})
	ln, err := folder.Listen(1, func() { close(expired) })
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Release()
	select {
	case <-expired:
		t.Error("it was idle before it accepted anything")
	case <-time.After(10 * time.Millisecond):
	}
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		_, _ = ln.Accept() // ends when it is closed
	}()
	<-expired
	ln.Close()
	<-accepting
}

func TestHostThatCannotBeReachedAnyMoreIsTold(t *testing.T) {
	for what, clear := range map[string]func(Folder) error{
		"socket": func(f Folder) error { return os.Remove(f.Socket()) },
		"folder": func(f Folder) error { return os.RemoveAll(string(f)) },
		"parent": func(f Folder) error { return os.RemoveAll(filepath.Dir(string(f))) },
	} {
		t.Run(what, func(t *testing.T) {
			temporary(t)
			folder, err := FolderFor("a")
			if err != nil {
				t.Fatal(err)
			}
			expired := make(chan struct{})
			old, err := folder.Listen(time.Hour, func() { close(expired) })
			if err != nil {
				t.Fatal(err)
			}
			defer old.Release()
			defer old.Close()
			if err := clear(folder); err != nil {
				t.Fatal(err)
			}
			<-expired
		})
	}
}

func TestHostThatEndsLeavesTheSocketOfItsSuccessor(t *testing.T) {
	temporary(t)
	folder, err := FolderFor("a")
	if err != nil {
		t.Fatal(err)
	}
	old, err := folder.Listen(time.Hour, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Release()
	if err := os.RemoveAll(string(folder)); err != nil {
		t.Fatal(err)
	}
	if folder, err = FolderFor("a"); err != nil {
		t.Fatal(err)
	}
	next, err := folder.Listen(time.Hour, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Release()
	defer next.Close()
	old.Close()
	conn, err := net.Dial("unix", folder.Socket())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestWebServersMayBeListed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for list, may := range map[string]bool{"": true, "127.0.0.1": true, "10.0.0.1, 127.0.0.1": true, "10.0.0.1": false, "nonsense": false} {
		if webServers(list)(conn) != may {
			t.Errorf("%q", list)
		}
	}
}

func TestLogBeginsAnewWhenItIsTooLong(t *testing.T) {
	temporary(t)
	folder, err := FolderFor("a")
	if err != nil {
		t.Fatal(err)
	}
	log, err := folder.OpenLog()
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	log.limit = 25
	for _, line := range []string{"first line\n", "second line\n", "third line\n"} {
		if _, err := log.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if got := folder.lastLines(0); got != "third line" {
		t.Errorf("got %q", got)
	}
}

func TestLogKeepsWhatEarlierHostsSaid(t *testing.T) {
	temporary(t)
	folder, err := FolderFor("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []string{"the first reason", "the second reason"} {
		h := Host{Folder: folder, Command: []string{"/bin/sh", "-c", `echo "$0" >&2`, reason}}
		_, err := h.Connect(t.Context())
		if err == nil || !strings.HasSuffix(err.Error(), "it ended:\n"+reason) {
			t.Errorf("got %v", err)
		}
	}
	if got := folder.lastLines(0); got != "the first reason\nthe second reason" {
		t.Errorf("the log is %q", got)
	}
	if err := os.Truncate(folder.Log(), maxLog+1); err != nil {
		t.Fatal(err)
	}
	file, size, err := folder.openLog()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() != 0 || size != 0 {
		t.Errorf("a log that is too long: %d bytes are said to be %d, %v", info.Size(), size, err)
	}
}
