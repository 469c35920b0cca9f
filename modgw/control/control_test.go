package control

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stubHost notes what it is told.
type stubHost struct {
	query  LogQuery // the last one
	mu     sync.Mutex
	told   []string
	answer error
	halted chan struct{}
}

func (h *stubHost) note(verb string, app modgw.AppName) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, verb+" "+string(app))
	return h.answer
}

func (h *stubHost) Status() Status { return Status{Version: "1", Apps: []AppStatus{}} }
func (h *stubHost) Descriptors() []modgw.Descriptor {
	return []modgw.Descriptor{{Name: "blog", Mount: "/blog", Timeouts: modgw.Timeouts{Drain: time.Second}}}
}
func (h *stubHost) Claims() []claims.Claim {
	return []claims.Claim{{App: "blog", Owner: "bob", File: "/blog.hcl", Mount: "/"}}
}
func (h *stubHost) Restart(_ context.Context, a modgw.AppName) error  { return h.note("restart", a) }
func (h *stubHost) Rollback(_ context.Context, a modgw.AppName) error { return h.note("rollback", a) }
func (h *stubHost) StopApp(_ context.Context, a modgw.AppName) error  { return h.note("stop", a) }
func (h *stubHost) Shutdown()                                         { close(h.halted) }

func (h *stubHost) ArmProbes(lifetime time.Duration) probe.Key {
	return probe.Key{Secret: []byte(lifetime.String())}
}
func (h *stubHost) ProbeReport(id string) (probe.Report, bool) {
	return probe.Report{Method: "GET"}, id == "arrived"
}
func (h *stubHost) ContinueProbe(id string) { _ = h.note("continue", modgw.AppName(id)) }

// Reload of "slow" takes until its caller gives up.
func (h *stubHost) Reload(ctx context.Context, a modgw.AppName) error {
	if a == "slow" {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.note("reload", a)
}

func (h *stubHost) Logs(ctx context.Context, q LogQuery, yield func(LogRecord) bool) {
	h.query = q
	if yield(LogRecord{App: q.App, Message: "kept", Attrs: []LogAttr{{"request", q.Request}}}) && q.Follow {
		yield(LogRecord{App: q.App, Message: "new"})
		<-ctx.Done()
	}
}

func TestProbesAreArmedReportedAndContinued(t *testing.T) {
	h := &stubHost{}
	client, _ := serve(t, h)
	key, err := client.ArmProbes(t.Context(), time.Minute)
	if err != nil || string(key.Secret) != "1m0s" {
		t.Errorf("key %q, %v", key.Secret, err)
	}
	for id, want := range map[string]bool{"arrived": true, "lost": false} {
		if report, ok, err := client.ProbeReport(t.Context(), id); ok != want || err != nil || ok != (report.Method == "GET") {
			t.Errorf("%s: %v, %v, %v", id, report, ok, err)
		}
	}
	if err := client.ContinueProbe(t.Context(), "a/b"); err != nil || !slices.Contains(h.told, "continue a/b") {
		t.Errorf("the host was told %q, %v", h.told, err)
	}
}

// serve runs a server for h until the test ends.
func serve(t *testing.T, h *stubHost) (*Client, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "c.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := (&Server{Host: h}).Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		serving.Wait()
	})
	return NewClient(modgw.Address("unix:" + socket)), socket
}

func TestHostIsAskedAndTold(t *testing.T) {
	h := &stubHost{halted: make(chan struct{})}
	client, _ := serve(t, h)
	status, err := client.Status(t.Context())
	if err != nil || status.Version != "1" {
		t.Errorf("status %+v, %v", status, err)
	}
	all, err := client.Descriptors(t.Context())
	if err != nil || len(all) != 1 || all[0].Timeouts.Drain != time.Second {
		t.Errorf("descriptors %+v, %v", all, err)
	}
	for _, verb := range []string{"reload", "restart", "rollback", "stop"} {
		if err := client.Do(t.Context(), verb, "a b/c", true); err != nil {
			t.Error(err)
		}
	}
	if err := client.Do(t.Context(), "reload", "", true); err != nil {
		t.Error(err)
	}
	if want := []string{"reload a b/c", "restart a b/c", "rollback a b/c", "stop a b/c", "reload "}; !slices.Equal(h.told, want) {
		t.Errorf("told %q, want %q", h.told, want)
	}
	if err := client.Do(t.Context(), "reload", "slow", false); err != nil {
		t.Errorf("not waiting for a slow reload: %v", err)
	}
	if err := client.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-h.halted
}

func TestRefusalTellsAllThatTheFaultSays(t *testing.T) {
	h := &stubHost{answer: &modgw.Fault{Code: "MGW-APP-001", Summary: "cannot import", Output: "SyntaxError", Hint: "fix it"}}
	client, _ := serve(t, h)
	err := client.Do(t.Context(), "reload", "blog", true)
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || refusal.Code != "MGW-APP-001" || !strings.Contains(refusal.Text, "SyntaxError\nhint: fix it") {
		t.Errorf("error %v", err)
	}
}

func TestLogsAreFollowedUntilEnough(t *testing.T) {
	client, _ := serve(t, &stubHost{})
	var messages []string
	err := client.Logs(t.Context(), LogQuery{App: "blog", Request: "r1", Follow: true}, func(r LogRecord) bool {
		messages = append(messages, string(r.App)+" "+r.Message)
		return len(messages) < 2
	})
	if err != nil || !slices.Equal(messages, []string{"blog kept", "blog new"}) {
		t.Errorf("%q, %v", messages, err)
	}
}

func TestTimesOfALogQueryReachTheHost(t *testing.T) {
	h := &stubHost{}
	client, _ := serve(t, h)
	asked := LogQuery{Since: time.Unix(1_000_000_000, 42), Until: time.Unix(1_000_000_060, 0)}
	if err := client.Logs(t.Context(), asked, func(LogRecord) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if !h.query.Since.Equal(asked.Since) || !h.query.Until.Equal(asked.Until) {
		t.Errorf("got %+v", h.query)
	}
}

func TestWithoutAHostTheClientSaysSo(t *testing.T) {
	_, err := NewClient("unix:/tmp/modgw-no-such.sock").Status(t.Context())
	if !errors.Is(err, ErrNoHost) {
		t.Errorf("error %v", err)
	}
}

func TestOtherUsersAreRefusedWhateverTheSocketsMode(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed: apt install curl")
	}
	_, socket := serve(t, &stubHost{})
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	ask := func(uid uint32) error {
		cmd := exec.Command(curl, "-sS", "--max-time", "20", "--unix-socket", socket, "http://control/v1/status")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		return cmd.Run()
	}
	if err := ask(0); err != nil {
		t.Errorf("root was refused: %v", err)
	}
	if err := ask(65534); err == nil {
		t.Error("another user was answered")
	}
}
