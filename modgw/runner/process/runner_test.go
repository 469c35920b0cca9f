package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// seen is the program's view of a request.
type seen struct {
	Method, URI, Host string
	Header            http.Header
	PID               int
	Env               []string
}

func (s *site) seen(path string, header ...string) seen {
	s.Helper()
	a := s.do("GET", path, nil, header...)
	var got seen
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		s.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	return got
}

func TestProgramMayListenAsItLikes(t *testing.T) {
	for _, program := range []string{"port", "port6", "any", "inherited"} {
		for _, kind := range []modgw.Kind{modgw.KindHTTP, modgw.KindGo} {
			t.Run(program+" "+string(kind), func(t *testing.T) {
				s := serve(t, program, func(d *modgw.Descriptor) {
					delete(d.Env, "GORACE")
					if d.Kind = kind; kind == modgw.KindGo {
						d.Go = &modgw.Go{}
					}
				})
				got := s.seen("/a%2Fb?c=d;e&%zz")
				if got.URI != "/a%2Fb?c=d;e&%zz" {
					t.Errorf("it saw %q", got.URI)
				}
				if slices.ContainsFunc(got.Env, func(v string) bool { return strings.HasPrefix(v, "GO") }) {
					t.Errorf("it has variables of the host: %q", got.Env)
				}
			})
		}
	}
}

func TestProgramThatListensNowhereIsNotStarted(t *testing.T) {
	s := prepare(t, "neither", func(d *modgw.Descriptor) { d.Timeouts.Startup = 300 * time.Millisecond })
	err := s.deploy()
	fault, ok := errors.AsType[*modgw.Fault](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	faulttest.Want(t, fault.Error(), "MGW-PRG-003")
	if !strings.Contains(fault.Output, "without a listener") || !strings.Contains(fault.Hint, "$PORT") {
		t.Errorf("got %v", err)
	}
}

func TestProgramThatListensOnAnotherPortIsNamedBeforeItsTimeIsUp(t *testing.T) {
	for _, kind := range []modgw.Kind{modgw.KindHTTP, modgw.KindGo} {
		t.Run(string(kind), func(t *testing.T) {
			s := prepare(t, "stray", func(d *modgw.Descriptor) {
				if d.Kind = kind; kind == modgw.KindGo {
					d.Go = &modgw.Go{}
				} else {
					// As with npm, another process of the group listens.
					d.HTTP.Command = []string{"/bin/sh", "-c", `"$0"; exit 1`, d.HTTP.Command[0]}
				}
			})
			err := s.deploy()
			fault, ok := errors.AsType[*modgw.Fault](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			faulttest.Want(t, fault.Error(), "MGW-PRG-004")
			_, address, _ := strings.Cut(strings.TrimSpace(fault.Output), "listening on ")
			if address == "" || !strings.Contains(fault.Summary, "it listens on "+address+",") {
				t.Errorf("%s; the program said %q", fault.Summary, fault.Output)
			}
		})
	}
}

func TestProgramMayOpenAnotherPortFirst(t *testing.T) {
	gate := filepath.Join(t.TempDir(), "gate")
	s := prepare(t, "late", func(d *modgw.Descriptor) {
		d.Env["GATE"], d.Timeouts.Startup = gate, 10*time.Minute
	})
	deployed := make(chan error, 1)
	go func() { deployed <- s.deploy() }()
	watchtest.Eventually(t, "the host notices the other port", func() bool { return s.log.Has("program listens on another port") })
	if err := os.WriteFile(gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := <-deployed; err != nil {
		t.Fatal(err)
	}
	if a := s.get("/"); a.status != 200 {
		t.Errorf("got %d %q", a.status, a.body)
	}
}

func TestProgramGetsItsPortAsAnArgument(t *testing.T) {
	for _, arg := range []string{"--port=$PORT", "--port=${PORT}"} {
		s := serve(t, "flag", func(d *modgw.Descriptor) { d.HTTP.Command = append(d.HTTP.Command, arg) })
		if a := s.get("/"); a.status != 200 {
			t.Errorf("%s: got %d %q", arg, a.status, a.body)
		}
		t.Run("go", func(t *testing.T) {
			s := serve(t, "flag", func(d *modgw.Descriptor) { d.Kind, d.Go = modgw.KindGo, &modgw.Go{Args: []string{arg}} })
			if a := s.get("/"); a.status != 200 {
				t.Errorf("%s: got %d %q", arg, a.status, a.body)
			}
		})
	}
	p := &port{number: 80}
	for arg, want := range map[string]string{
		"$PORT": "80", "a:${PORT}:$PORT": "a:80:80", "$PORTS": "$PORTS", "$PORT_A": "$PORT_A", "PORT": "PORT", "${PORT": "${PORT",
	} {
		if got := p.replaceIn([]string{arg})[0]; got != want {
			t.Errorf("%s became %s, want %s", arg, got, want)
		}
	}
}

func TestProgramGetsItsPortInAVariableOfItsOwn(t *testing.T) {
	for _, value := range []string{"127.0.0.1:$PORT", "127.0.0.1:${PORT}"} {
		s := serve(t, "variable", func(d *modgw.Descriptor) { d.Env["SHOP_ADDRESS"] = value })
		if a := s.get("/"); a.status != 200 {
			t.Errorf("%s: got %d %q", value, a.status, a.body)
		}
	}
	got := (&port{number: 80}).replaceInValues([]string{"A=:$PORT", "KEY=x$PORT", "B=$PORTS"}, []string{"x$PORT"})
	if want := []string{"A=:80", "KEY=x$PORT", "B=$PORTS"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: a secret is no name", got, want)
	}
}

func TestProgramThatEndsAtOnceSaysWhy(t *testing.T) {
	s := prepare(t, "exits")
	err := s.deploy()
	fault, ok := errors.AsType[*modgw.Fault](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	faulttest.Want(t, fault.Error(), "MGW-PRG-002")
	if !strings.Contains(fault.Output, "no database at all") || !strings.Contains(fault.Summary, "code 7") {
		t.Errorf("got %v", err)
	}
}

func TestProgramThatIsNotThereSaysSo(t *testing.T) {
	s := prepare(t, "", func(d *modgw.Descriptor) { d.HTTP.Command = []string{"no-such-program"} })
	err := s.deploy()
	fault, ok := errors.AsType[*modgw.Fault](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	faulttest.Want(t, fault.Error(), "MGW-PRG-001")
	if !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("got %v", err)
	}
}

func TestProgramIsStartedOnceThereIsAPlaceForItsSocket(t *testing.T) {
	s := prepare(t, "inherited", func(d *modgw.Descriptor) { d.Kind, d.Go = modgw.KindGo, &modgw.Go{} })
	folder := fronttest.Dir(t) + "/temporary" // short, for the sockets in it
	t.Setenv("TMPDIR", folder)
	err := s.deploy()
	if err == nil {
		t.Fatal("it was started")
	}
	faulttest.Want(t, err.Error(), "MGW-PRG-021")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.deploy(); err != nil {
		t.Error(err)
	}
}

func TestScriptThatCannotRunSaysWhy(t *testing.T) {
	for text, want := range map[string]string{
		"#!/bin/sh\r\nexit\r\n":   "carriage return",
		"\ufeff#!/bin/sh\nexit\n": "byte order mark",
		"#!/no/such/python\n":     `"/no/such/python", which does not exist`,
	} {
		script := filepath.Join(t.TempDir(), "run")
		if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		var program []string
		s := prepare(t, "inherited", func(d *modgw.Descriptor) { program, d.HTTP.Command = d.HTTP.Command, []string{script} })
		fault, ok := errors.AsType[*modgw.Fault](s.deploy())
		if !ok {
			t.Fatalf("%q: got %+v", text, fault)
		}
		faulttest.Want(t, fault.Error(), "MGW-CFG-029")
		if !strings.Contains(fault.Hint, want) {
			t.Errorf("%q: got %+v, want %q", text, fault, want)
		}
		fixed := "#!/bin/sh\nexec '" + strings.Join(program, "' '") + "'\n"
		if err := os.WriteFile(script, []byte(fixed), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := s.deploy(); err != nil {
			t.Errorf("%q: with its first line corrected: %v", text, err)
		}
	}
}

func TestProgramIsToldOfTheClientByTheHostAlone(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Mount = "/shop" })
	got := s.seen("/shop/x", "X-Forwarded-For", "10.9.8.7", "X-Forwarded-Prefix", "/evil", "Forwarded", "for=10.9.8.7",
		"X-Real-Ip", "10.9.8.7", "X-Remote-User", "root", "Connection", "X-Forwarded-Proto, X-Thing", "X-Thing", "1",
		"Te", "gzip")
	want := map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": s.addr, "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/shop",
		"Forwarded": `for=127.0.0.1;host="` + s.addr + `";proto=http`, "X-Real-Ip": "", "X-Remote-User": "", "X-Thing": "", "Te": "",
	}
	for name, value := range want {
		if got.Header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), value)
		}
	}
	if got.URI != "/shop/x" || got.Host != s.addr {
		t.Errorf("it saw %q on %q", got.URI, got.Host)
	}
}

func TestMountIsTakenOffThePath(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Mount, d.HTTP.StripMount = "/shop", true })
	for path, want := range map[string]string{
		"/shop": "/", "/shop/": "/", "/shop/a%2Fb?q=1": "/a%2Fb?q=1", "/sh%6Fp/a%20b": "/a%20b",
	} {
		if got := s.seen(path); got.URI != want || got.Header.Get("X-Forwarded-Prefix") != "/shop" {
			t.Errorf("%s: it saw %q", path, got.URI)
		}
	}
}

func TestReloadUnderLoadLosesNothing(t *testing.T) {
	s := serve(t, "port", func(d *modgw.Descriptor) { d.HTTP.Workers = 2 })
	var stop atomic.Bool
	var clients sync.WaitGroup
	var count atomic.Int64
	for i := range 6 {
		clients.Go(func() {
			for !stop.Load() {
				// without a pause they take the time that programs need to start
				time.Sleep(15 * time.Millisecond)
				method, path := "GET", "/"
				if i%2 == 0 {
					method, path = "POST", "/echo"
				}
				if a := s.do(method, path, strings.NewReader("hello")); a.status != 200 || a.err != nil {
					t.Errorf("%s: %d %q %v", method, a.status, a.body, a.err)
				}
				count.Add(1)
			}
		})
	}
	for i := range 4 {
		seenBefore := count.Load()
		watchtest.Eventually(t, "some requests", func() bool { return count.Load() > seenBefore+50 })
		s.d.Env = map[string]string{programEnv: "port", "VERSION": fmt.Sprint(i)}
		if err := s.deploy(); err != nil {
			t.Error(err)
		}
		if got := s.get("/").header.Get("X-Version"); got != fmt.Sprint(i) {
			t.Errorf("after deploy %d: version %q", i, got)
		}
	}
	stop.Store(true)
	clients.Wait()
}

func TestReplacedProgramMayEndByItself(t *testing.T) {
	s := serve(t, "graceful")
	_ = s.seen("/")
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	watchtest.Eventually(t, "end of the old one", func() bool { return s.log.Has("worker stopped") })
	if s.log.Has("worker killed") || !s.log.Has(`reason="exited with code 0"`) {
		t.Error("it did not end by itself")
	}
}

func TestBrokenProgramLeavesTheOldOneServing(t *testing.T) {
	s := serve(t, "inherited")
	before := s.seen("/").PID
	s.d.Env = map[string]string{programEnv: "exits"}
	if err := s.deploy(); err == nil {
		t.Error("it was deployed")
	}
	if after := s.seen("/").PID; after != before {
		t.Errorf("process %d answers, not %d", after, before)
	}
}

func TestKilledWorkerIsReplacedWithoutLossOfSafeRequests(t *testing.T) {
	s := serve(t, "port")
	for range 3 {
		pid := s.seen("/").PID
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if got := s.seen("/"); got.PID == pid {
			t.Errorf("process %d answers, which is dead", pid)
		}
	}
}

func TestRequestWhoseWorkerDiesIsNotSentAgain(t *testing.T) {
	s := serve(t, "inherited")
	pid := s.worker().PID
	done := make(chan answered)
	go func() { done <- s.do("POST", "/slow", strings.NewReader("x")) }()
	watchtest.Eventually(t, "request", func() bool { return s.log.Has("slow began") })
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if a := <-done; a.status != 502 {
		t.Errorf("got %d %q %v", a.status, a.body, a.err)
	}
	faulttest.Want(t, s.log.String(), "MGW-APP-008")
	if strings.Count(s.log.String(), "slow began") != 1 {
		t.Error("the request was sent twice")
	}
}

func TestClientThatGoesCancelsTheRequest(t *testing.T) {
	s := serve(t, "inherited")
	conn := s.dial()
	fmt.Fprintf(conn, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	watchtest.Eventually(t, "request", func() bool { return s.log.Has("slow began") })
	conn.Close()
	watchtest.Eventually(t, "cancellation", func() bool { return s.log.Has("slow was cancelled") })
}

func TestRequestThatTakesTooLongIsAnswered504(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Timeouts.Request = 100 * time.Millisecond })
	if a := s.get("/slow"); a.status != 504 {
		t.Errorf("got %d %q", a.status, a.body)
	}
	watchtest.Eventually(t, "cancellation", func() bool { return s.log.Has("slow was cancelled") })
	faulttest.Want(t, s.log.String(), "MGW-APP-009")
}

func TestProgramThatHangsIsReplacedThoughItsClientsHaveGone(t *testing.T) {
	s := serve(t, "single", func(d *modgw.Descriptor) { d.Timeouts.Request, d.Timeouts.Stop = 2*time.Second, 100*time.Millisecond })
	hung := s.worker().PID
	impatient := func(path string) {
		conn := s.dial()
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		watchtest.Eventually(t, "request", func() bool { return s.log.Has("hang began") })
	}
	impatient("/hang")
	watchtest.Eventually(t, "another process", func() bool {
		impatient("/")
		pid := s.worker().PID
		return pid != hung && pid != 0
	})
	for range 5 {
		if a := s.get("/"); a.status != 200 {
			t.Errorf("got %d %q %v", a.status, a.body, a.err)
		}
	}
	watchtest.Eventually(t, "end of the one that hung", func() bool { return syscall.Kill(hung, 0) != nil })
}

func TestProgramWithOneSlowRequestIsNotReplaced(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Timeouts.Request = 200 * time.Millisecond })
	pid := s.worker().PID
	for range 3 {
		if a := s.get("/slow"); a.status != 504 {
			t.Errorf("got %d %q", a.status, a.body)
		}
		if got := s.seen("/").PID; got != pid {
			t.Errorf("process %d answers, not %d", got, pid)
		}
	}
}

func TestRequestBodies(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Limits.Body = 1 << 20 })
	big := strings.Repeat("0123456789abcdef", 1<<14) // 256 KiB
	for name, c := range map[string]struct {
		path, body string
		chunked    bool
		status     int
		answer     string
	}{
		"small":                   {"/echo", "hello", false, 200, "hello"},
		"empty":                   {"/echo", "", false, 200, ""},
		"large":                   {"/echo", big, false, 200, big},
		"in pieces":               {"/echo", big, true, 200, big},
		"too large":               {"/echo", strings.Repeat(big, 5), false, 413, ""},
		"too large in pieces":     {"/slow", strings.Repeat(big, 5), true, 413, ""},
		"answered before its end": {"/early", strings.Repeat(big, 3), false, 403, "I have read enough\n"},
	} {
		t.Run(name, func(t *testing.T) {
			reader := strings.NewReader(c.body)
			var a answered
			if c.chunked {
				a = s.do("POST", c.path, onlyReader{reader})
			} else {
				a = s.do("POST", c.path, reader)
			}
			if a.status != c.status || c.answer != "" && a.body != c.answer {
				t.Errorf("got %d, %d bytes, %v", a.status, len(a.body), a.err)
			}
		})
	}
	faulttest.Want(t, s.log.String(), "MGW-APP-015")
}

type onlyReader struct{ *strings.Reader }

func TestHeldBackBodyIsAskedFor(t *testing.T) {
	s := serve(t, "inherited")
	conn := s.dial()
	fmt.Fprint(conn, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if line, err := conn.r.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("got %q, %v", line, err)
	}
	_, _ = conn.r.ReadString('\n')
	fmt.Fprint(conn, "hello")
	response, err := http.ReadResponse(conn.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); string(body) != "hello" || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestBadResponses(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Env[programEnv] = "raw" })
	for name, c := range map[string]struct {
		answer string
		pad    int
		status int
		cut    bool
	}{
		"nothing":                 {"", 0, 502, false},
		"no HTTP":                 {`220 mail.example.com ESMTP\r\n`, 0, 502, false},
		"half a head":             {`HTTP/1.1 200 OK\r\nContent-Le`, 0, 502, false},
		"head that never ends":    {`HTTP/1.1 200 OK\r\nX: PAD\r\n\r\nhello`, 100000, 502, false},
		"two ways to its length":  {`HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 0, 502, false},
		"two ways, after a 103":   {`HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`, 0, 502, false},
		"two lengths":             {`HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`, 0, 502, false},
		"no length":               {`HTTP/1.1 200 OK\r\n\r\nhello`, 0, 200, false},
		"shorter than its length": {`HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello`, 0, 200, true},
		"longer than its length":  {`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more`, 0, 502, false},
		"HEAD alone has no body":  {`HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n`, 0, 204, false},
		"piece without its end":   {`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, 0, 200, true},
		"piece of nonsense":       {`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n`, 0, 200, true},
		"switch no one asked for": {`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n`, 0, 502, false},
		// the front answers
		"name with a space":        {`HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n`, 0, 500, false},
		"control character inside": {`HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n`, 0, 502, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.get("/?pad=" + fmt.Sprint(c.pad) + "&answer=" + url.QueryEscape(c.answer))
			if c.cut && a.status == 0 {
				a.status = c.status // its head did not even leave
			}
			if a.status != c.status || c.cut != (a.err != nil) {
				t.Errorf("got %d %q, %v", a.status, a.body, a.err)
			}
			if c.status == 200 && !c.cut && a.body != "hello" {
				t.Errorf("got %q", a.body)
			}
		})
	}
	for _, code := range []string{"MGW-APP-008", "MGW-APP-014"} {
		faulttest.Want(t, s.log.String(), code)
	}
}

// If the program sends more than its Content-Length in time, the response is cut off so that the
// client notices; later data is logged.
func TestBodyThatGrowsBeyondItsLength(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Env[programEnv] = "raw" })
	for name, c := range map[string]struct {
		length int
		cut    bool
		says   string
	}{
		"before its end": {10, true, "its body is longer than its Content-Length"},
		"after its end":  {5, false, "the response was longer than its Content-Length"},
	} {
		t.Run(name, func(t *testing.T) {
			gate := filepath.Join(t.TempDir(), "gate")
			query := url.Values{"later": {" world and more"}, "gate": {gate}}
			query.Set("answer", fmt.Sprintf(`HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nhello`, c.length))
			response, err := http.Get("http://" + s.addr + "/?" + query.Encode())
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			begin := make([]byte, 5)
			if _, err := io.ReadFull(response.Body, begin); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(gate, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(response.Body)
			if len(rest) > 0 || c.cut != (err != nil) {
				t.Errorf("then got %q, %v", rest, err)
			}
			for !strings.Contains(s.log.String(), c.says) {
				select {
				case <-time.After(5 * time.Millisecond):
				case <-t.Context().Done():
					t.Fatalf("the log does not say %q", c.says)
				}
			}
		})
	}
}

func TestNoProcessOrDescriptorIsLeft(t *testing.T) {
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(fds)
	}
	s := serve(t, "port")
	_ = s.seen("/")
	deployed := func() {
		pid := s.worker().PID
		if err := s.deploy(); err != nil {
			t.Fatal(err)
		}
		watchtest.Eventually(t, "end of the old one", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
		watchtest.Eventually(t, "draining", func() bool {
			status, err := s.gateway.AppStatus("shop")
			return err == nil && len(status.Draining) == 0
		})
		_ = s.seen("/")
	}
	deployed()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	before := count()
	for range 3 {
		deployed()
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	watchtest.Eventually(t, "as few descriptors as before", func() bool { return count() <= before })
}

func TestWorkersAreReplacedAfterTheirShare(t *testing.T) {
	s := serve(t, "inherited", func(d *modgw.Descriptor) { d.Recycle.Requests = 5 })
	first := s.seen("/").PID
	watchtest.Eventually(t, "another process", func() bool { return s.seen("/").PID != first })
	watchtest.Eventually(t, "end of the first", func() bool { return syscall.Kill(first, 0) == syscall.ESRCH })
}
