package scgi_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/front"
)

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	w.Write(body)
}

func TestResponseBeginsWithTheStatusAndEndsWithTheConnection(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		answer := ask(t, p.serve(t, handle(echo)), p.encode(vars(post("5")))+"hello")
		if want := p.ok + "Content-Length: 5\r\n\r\nhello"; answer != want {
			t.Errorf("%q, want %q", answer, want)
		}
	})
}

func TestBodyIsWhatContentLengthSays(t *testing.T) {
	long := strings.Repeat("x", 100000)
	for _, c := range []struct {
		name, length, body string
		status             string
	}{
		{"whole", "5", "hello", "200"},
		{"long", "100000", long, "200"},
		{"short", "6", "hello", "400"},
		{"short and long", "100001", long, "418"},
		{"nothing of it", "100001", "", "400"},
		{"longer", "4", "hello", "400"},
		{"negative", "-1", "", "400"},
		{"with a sign", "+5", "hello", "400"},
		{"twenty digits", strings.Repeat("9", 20), "", "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachProtocol(t, func(t *testing.T, p protocol) {
				conn := dial(t, p.serve(t, handle(echo)))
				go func() {
					io.WriteString(conn, p.encode(vars(post(c.length)))+c.body)
					conn.(*net.UnixConn).CloseWrite()
				}()
				answer, _ := io.ReadAll(conn)
				if _, rest, _ := strings.Cut(string(answer), " "); !strings.HasPrefix(rest, c.status) {
					t.Errorf("%.100q, want status %s", answer, c.status)
				}
			})
		})
	}
}

func TestRefusedRequestIsTold(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		told := make(chan string, 1)
		config := handle(echo)
		config.Refused = func(r *http.Request, status int, f *modgw.Fault) {
			told <- fmt.Sprint(r.Method, " ", r.URL.Path, " ", status, " ", f.Code)
		}
		ask(t, p.serve(t, config), p.encode(vars(post("4")))+"hello")
		if got, want := <-told, "POST /x 400 MGW-REQ-007"; got != want {
			t.Errorf("told %q, not %q", got, want)
		}
	})
}

func TestVariablesThatChooseCodeOrFilesNeverArrive(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		socket := p.serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
			info := modgw.RequestInfoOf(r)
			for name := range info.Variables {
				io.WriteString(w, name+" ")
			}
			for name := range r.Header {
				io.WriteString(w, name+" ")
			}
			io.WriteString(w, info.Path)
		}))
		changes := map[string]string{"MINE": "1", "HTTP_PROXY": "http://evil/", "SCRIPT_FILENAME": "/etc/passwd", "PHP_VALUE": "x", "DOCUMENT_ROOT": "/"}
		for _, name := range []string{"FILE", "MODULE", "PYHOME", "CHDIR", "SETENV", "SCRIPT", "APPID", "TOUCH_RELOAD", "HOME", "CALLABLE", "POSTFILE"} {
			changes["UWSGI_"+name] = "/tmp/evil.py"
		}
		answer := ask(t, socket, p.encode(vars(changes)))
		if _, body, _ := strings.Cut(answer, "\r\n\r\n"); body != "MINE Content-Length /x" {
			t.Errorf("%q", answer)
		}
	})
}

func TestWhatIsNoRequestIsNotAnswered(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		log := make(lines, 10)
		socket := p.serve(t, front.Config{Handler: http.HandlerFunc(echo), Log: slog.New(slog.NewTextHandler(log, nil))})
		if answer := ask(t, socket, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); answer != "" {
			t.Errorf("%q", answer)
		}
		if line := <-log; !faulttest.Has(line, "MGW-REQ-013") {
			t.Errorf("log: %q", line)
		}
	})
}

// lines receives the lines of a log.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestConnectionMayEndAnywhere(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		called := make(chan struct{}, 1000)
		socket := p.serve(t, handle(func(w http.ResponseWriter, r *http.Request) { called <- struct{}{} }))
		whole := p.encode(vars(post("5"))) + "hello"
		for n := range len(whole) {
			conn := dial(t, socket)
			io.WriteString(conn, whole[:n])
			conn.Close()
		}
		ask(t, socket, whole)
		if len(called) != 1 {
			t.Errorf("the handler was called %d times", len(called))
		}
	})
}

func TestTooManyVariablesAre431(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		socket := p.serve(t, front.Config{Handler: http.HandlerFunc(echo)})
		many := map[string]string{}
		for i := range 4097 {
			many[fmt.Sprint("V", i)] = "1"
		}
		for name, changes := range map[string]map[string]string{
			"name":  {strings.Repeat("N", 257): "x"},
			"count": many,
		} {
			conn := dial(t, socket)
			io.WriteString(conn, p.encode(vars(changes)))
			conn.(*net.UnixConn).CloseWrite()
			answer, _ := io.ReadAll(conn)
			if !strings.Contains(string(answer), " 431 Request Header Fields Too Large\r\n") {
				t.Errorf("%s: %.100q", name, answer)
			}
		}
	})
}

func TestClientThatGoesEndsTheRequest(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		entered, left := make(chan struct{}), make(chan error, 1)
		socket := p.serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
			left <- context.Cause(r.Context())
		}))
		conn := dial(t, socket)
		io.WriteString(conn, p.encode(vars(nil)))
		<-entered
		conn.Close()
		if err := <-left; err == nil || !strings.Contains(err.Error(), "gone") {
			t.Error(err)
		}
	})
}

func TestEarlyResponseIsDeliveredWhileTheBodyComes(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		socket := p.serve(t, handle(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
		answer := ask(t, socket, p.encode(vars(post("5000000")))+strings.Repeat("x", 5000000))
		if !strings.Contains(answer, " 403 Forbidden\r\n") || !strings.HasSuffix(answer, "\r\n\r\nno\n") {
			t.Errorf("%.200q", answer)
		}
	})
}

func TestResponseThatBreaksOffResetsATCPConnection(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		conn := dial(t, p.serveTCP(t, handle(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "part")
			w.(http.Flusher).Flush()
			io.WriteString(w, " and more")
			panic(http.ErrAbortHandler)
		})))
		io.WriteString(conn, p.encode(vars(nil)))
		answer, err := io.ReadAll(conn)
		if err == nil || !strings.HasSuffix(string(answer), "part and more") {
			t.Errorf("%q, then %v", answer, err)
		}
	})
}

func TestSlowRequestIsGivenUp(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		socket := p.serve(t, front.Config{Handler: http.HandlerFunc(echo), ReadTimeout: 50 * time.Millisecond})
		for name, text := range map[string]string{"head": p.encode(vars(nil))[:20], "body": p.encode(vars(post("5"))) + "hell"} {
			answer := ask(t, socket, text)
			if name == "head" && answer != "" || name == "body" && !strings.Contains(answer, " 400 Bad Request\r\n") {
				t.Errorf("%s: %q", name, answer)
			}
		}
	})
}

func TestEndingLetsRequestsFinish(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		entered, release := make(chan struct{}), make(chan struct{})
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		config := handle(func(w http.ResponseWriter, r *http.Request) {
			close(entered)
			<-release
			io.WriteString(w, "done")
		})
		go func() { ended <- p.new(config).Serve(ctx, ln) }()
		conn := dial(t, ln.Addr().String())
		io.WriteString(conn, p.encode(vars(nil)))
		<-entered
		cancel()
		for late, err := net.Dial("tcp", ln.Addr().String()); err == nil; late, err = net.Dial("tcp", ln.Addr().String()) {
			late.Close() // until the listener is closed
		}
		if len(ended) > 0 {
			t.Fatal("Serve has ended while a request was in flight")
		}
		close(release)
		if answer, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(answer), "done") {
			t.Errorf("%q, %v", answer, err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestEndingDoesNotWaitForEver(t *testing.T) {
	eachProtocol(t, func(t *testing.T, p protocol) {
		entered := make(chan struct{})
		cause := make(chan error, 1)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		config := handle(func(w http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
			cause <- context.Cause(r.Context())
		})
		config.DrainTimeout = 50 * time.Millisecond
		go func() { ended <- p.new(config).Serve(ctx, ln) }()
		dial(t, ln.Addr().String()) // sends nothing
		busy := dial(t, ln.Addr().String())
		io.WriteString(busy, p.encode(vars(nil)))
		<-entered
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := <-cause; err == nil || !strings.Contains(err.Error(), "the host ends") {
			t.Error(err)
		}
	})
}
