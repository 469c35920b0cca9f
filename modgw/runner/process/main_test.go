package process

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	front "github.com/modgw/modgw/modgw/front/http"
	"github.com/modgw/modgw/modgw/spool"
)

// programEnv names the program that the test binary is, when it is started as an app.
const programEnv = "PROCESS_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if name := os.Getenv(programEnv); name != "" {
		programs[name]()
		return
	}
	if err := proc.Seal(); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// site is an app behind the gateway and a real front.
type site struct {
	*testing.T
	gateway *modgw.Gateway
	d       modgw.Descriptor
	addr    string
	log     *watchtest.Log
	spool   *spool.Spool
}

// serve deploys a program of this test binary and serves it until the test ends.
func serve(t *testing.T, program string, change ...func(*modgw.Descriptor)) *site {
	t.Helper()
	s := prepare(t, program, change...)
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	return s
}

func prepare(t *testing.T, program string, change ...func(*modgw.Descriptor)) *site {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := modgw.Descriptor{
		Name: "shop", Root: t.TempDir(), Mount: "/", Kind: modgw.KindHTTP, HTTP: &modgw.HTTP{Command: []string{exe}},
		Env: map[string]string{programEnv: program, "GORACE": "atexit_sleep_ms=0"},
		Timeouts: modgw.Timeouts{
			Startup: watchtest.Patience, Request: watchtest.Patience, Drain: 20 * time.Second, Stop: 5 * time.Second,
		},
		Queue: modgw.Queue{Max: 100, Timeout: watchtest.Patience},
		Spool: modgw.Spool{Upload: 8 << 20, Response: 64 << 20, Total: 512 << 20},
	}
	for _, f := range change {
		f(&d)
	}
	s := &site{T: t, d: d, log: &watchtest.Log{}}
	s.spool = spool.New(spool.Config{Dir: t.TempDir(), Memory: 16 << 20, Disk: 1 << 30})
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	runner := func(c modgw.RunnerConfig) (modgw.Runner, error) { return New(c) }
	s.gateway = modgw.New(modgw.Config{
		Spool: s.spool, Log: logger, Runners: map[modgw.Kind]modgw.NewRunner{modgw.KindHTTP: runner, modgw.KindGo: runner},
		Build: func(context.Context, modgw.Descriptor) (*modgw.Environment, error) {
			return &modgw.Environment{Binary: exe}, nil
		},
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), watchtest.Patience)
		defer cancel()
		s.gateway.Close(ctx)
		if t.Failed() || os.Getenv("SHOWLOG") != "" {
			t.Log(s.log.String())
		}
	})
	s.listen(logger)
	return s
}

// listen starts the front.
func (s *site) listen(log *slog.Logger) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	s.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- front.New(front.Config{Handler: s.gateway, Log: log, DrainTimeout: time.Second}).Serve(ctx, l)
	}()
	s.Cleanup(func() {
		cancel()
		<-ended
		http.DefaultClient.CloseIdleConnections()
	})
}

func (s *site) deploy() error { return s.gateway.Deploy(context.Background(), s.d, "test") }

// answered is a response that was read.
type answered struct {
	status int
	header http.Header
	body   string
	err    error // error of reading the body
}

func (s *site) get(path string) answered {
	s.Helper()
	return s.do("GET", path, nil)
}

func (s *site) do(method, path string, body io.Reader, header ...string) answered {
	s.Helper()
	r, err := http.NewRequest(method, "http://"+s.addr+path, body)
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return answered{err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answered{response.StatusCode, response.Header, string(text), err}
}

func (s *site) worker() modgw.WorkerStatus {
	s.Helper()
	status, err := s.gateway.AppStatus("shop")
	if err != nil || len(status.Runner.Workers) == 0 {
		s.Fatalf("no workers: %v", err)
	}
	return status.Runner.Workers[0]
}
