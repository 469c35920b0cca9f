package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
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

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/history"
	"github.com/modgw/modgw/modgw/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stubHost records the calls that it receives.
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

// The app "blog" is bob's, whose user id is 65534; "shop" is eve's.
func (h *stubHost) IsAdmin(uid uint32) bool                 { return uid == 0 || uid == uint32(os.Getuid()) }
func (h *stubHost) Owns(uid uint32, app modgw.AppName) bool { return uid == 65534 && app == "blog" }
func (h *stubHost) UserName(uid uint32) string {
	return map[uint32]string{0: "root", 65534: "bob"}[uid]
}

func (h *stubHost) Status() Status {
	return Status{
		Version: "1",
		Apps:    []AppStatus{{AppStatus: modgw.AppStatus{App: "blog"}}, {AppStatus: modgw.AppStatus{App: "shop"}}},
		Broken: []BrokenFile{
			{File: "/wiki.hcl", Owner: "bob", Diagnosis: &diagnosis.Diagnosis{Severity: diagnosis.Warning, Sentence: "wiki.hcl is broken"}},
			{File: "/cash.hcl", Owner: "eve", Diagnosis: &diagnosis.Diagnosis{Severity: diagnosis.Critical, Sentence: "cash.hcl is broken"}},
			{File: "/host.hcl"},
		},
		Diagnosis: &diagnosis.Diagnosis{Severity: diagnosis.Critical, Sentence: "cash.hcl is broken"},
	}
}

func (h *stubHost) Descriptors() []modgw.Descriptor {
	return []modgw.Descriptor{{Name: "blog", Mount: "/blog", Timeouts: modgw.Timeouts{Drain: time.Second}}, {Name: "shop"}}
}

func (h *stubHost) Claims() []claims.Claim {
	return []claims.Claim{
		{App: "blog", Owner: "bob", File: "/blog.hcl", Mount: "/"},
		{App: "shop", Owner: "eve", File: "/shop.hcl", Mount: "/shop"},
	}
}

func (h *stubHost) Policy() Policy {
	tenants := []modgw.Tenant{{User: "bob", Apps: 2}, {User: "eve"}}
	return PolicyOf(modgw.HostFile{Admins: []string{"@adm"}, Tenants: tenants}, h.Claims(), nil)
}

func (h *stubHost) Restart(_ context.Context, a modgw.AppName) error  { return h.note("restart", a) }
func (h *stubHost) Rollback(_ context.Context, a modgw.AppName) error { return h.note("rollback", a) }
func (h *stubHost) StopApp(_ context.Context, a modgw.AppName) error  { return h.note("stop", a) }
func (h *stubHost) Scale(a modgw.AppName, s modgw.Scale) (modgw.ScaleStatus, error) {
	return modgw.ScaleStatus{Scale: s, Manual: s.Max > 0}, h.note("scale", a)
}
func (h *stubHost) Disk(a modgw.AppName) (DiskStatus, error) {
	return DiskStatus{Environment: 5, User: "bob", Most: 7}, h.note("disk", a)
}
func (h *stubHost) Shutdown() { close(h.halted) }

func (h *stubHost) Upgrade(context.Context, string) (Upgrade, error) {
	return Upgrade{}, h.note("upgrade", "")
}

func (h *stubHost) ArmProbes(lifetime time.Duration) probe.Key {
	return probe.Key{Secret: []byte(lifetime.String())}
}
func (h *stubHost) ProbeReport(id string) (probe.Report, bool) {
	return probe.Report{Method: "GET"}, id == "arrived"
}
func (h *stubHost) ContinueProbe(id string) { _ = h.note("continue", modgw.AppName(id)) }

// Reload of "slow" waits until its caller gives up.
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

func (h *stubHost) History(since time.Time, may func(modgw.AppName) bool) (all []history.App) {
	for _, name := range []modgw.AppName{"blog", "shop"} {
		if may(name) {
			all = append(all, history.App{App: name, Times: []int64{since.UnixMilli()}})
		}
	}
	return all
}

func (h *stubHost) RequestRecords(app modgw.AppName) (modgw.RequestRecords, error) {
	return modgw.RequestRecords{Slow: []modgw.RequestRecord{{SuspectRequest: modgw.SuspectRequest{Request: string(app)}}}}, nil
}

func (h *stubHost) OpenDashboard(uid uint32) (DashboardLink, error) {
	return DashboardLink{URL: fmt.Sprintf("http://127.0.0.1/%d", uid)}, h.answer
}

func TestFiguresAndRecordsAreOfOwnAppsAlone(t *testing.T) {
	server := &Server{Host: &stubHost{}}
	for uid, want := range map[uint32]int{0: 2, 65534: 1, 77: 0} {
		client := server.As(uid)
		all, err := client.History(t.Context(), "", time.UnixMilli(5))
		if err != nil || len(all) != want || want > 0 && (all[0].App != "blog" || all[0].Times[0] != 5) {
			t.Errorf("user %d: %v, %v", uid, all, err)
		}
		one, err := client.History(t.Context(), "shop", time.Time{})
		if err != nil || (len(one) == 1) != (want == 2) {
			t.Errorf("user %d: %v, %v", uid, one, err)
		}
		records, err := client.RequestRecords(t.Context(), "blog")
		if (err == nil) != (want > 0) || err == nil && records.Slow[0].Request != "blog" {
			t.Errorf("user %d: %v, %v", uid, records, err)
		}
		link, err := client.OpenDashboard(t.Context())
		if err != nil || link.URL != fmt.Sprintf("http://127.0.0.1/%d", uid) {
			t.Errorf("user %d: %v, %v", uid, link, err)
		}
	}
}

func TestClientInProcessFollowsLogsAndIsAudited(t *testing.T) {
	h := &stubHost{}
	server := &Server{Host: h, Audit: AuditIn(t.TempDir())}
	client := server.As(65534)
	var messages []string
	err := client.Logs(t.Context(), LogQuery{App: "blog", Follow: true}, func(r LogRecord) bool {
		messages = append(messages, r.Message)
		return len(messages) < 2
	})
	if err != nil || !slices.Equal(messages, []string{"kept", "new"}) {
		t.Errorf("%q, %v", messages, err)
	}
	logged := func(n int) (actions []Action) {
		watchtest.Eventually(t, "the action is in the log", func() bool {
			actions, err = server.As(0).Actions(t.Context(), "", 0)
			return err != nil || len(actions) == n
		})
		return actions
	}
	if err := client.Do(t.Context(), "reload", "blog", true); err != nil {
		t.Error(err)
	}
	logged(1)
	if err := client.Do(t.Context(), "stop", "shop", true); err == nil {
		t.Error("bob may stop the app of eve")
	}
	actions := logged(2)
	if err != nil || len(actions) != 2 || actions[0].User != "bob" || actions[0].Result != "done" || actions[1].Result != "refused" {
		t.Errorf("%+v, %v", actions, err)
	}
}

// panickingHost is a host with a bug.
type panickingHost struct{ *stubHost }

func (panickingHost) Descriptors() []modgw.Descriptor { panic("a bug") }

func TestPanicOfARequestWithinTheProcessEndsOnlyTheRequest(t *testing.T) {
	var log strings.Builder
	server := &Server{Host: panickingHost{&stubHost{}}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	if all, err := server.As(0).Descriptors(t.Context()); err == nil {
		t.Errorf("answer %v", all)
	}
	faulttest.Want(t, log.String(), "MGW-HST-025")
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
		if err := (&Server{Host: h, Audit: AuditIn(dir)}).Serve(ctx, l); err != nil {
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
	if err != nil || len(all) != 2 || all[0].Timeouts.Drain != time.Second {
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

// askAs sends a request to a control socket as another user, and returns status and body.
func askAs(t *testing.T, uid uint32, method, socket, path string) (status, body string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed: apt install curl")
	}
	cmd := exec.Command(curl, "-sS", "--max-time", "60", "-X", method, "-w", "\n%{http_code}", "--unix-socket", socket, "http://control"+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s as %d: %v", method, path, uid, err)
	}
	text := string(out)
	cut := strings.LastIndexByte(text, '\n')
	return text[cut+1:], text[:cut]
}

func TestUsersSeeTheirOwnAppsAlone(t *testing.T) {
	_, socket := serve(t, &stubHost{})
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	for path, own := range map[string]string{
		"/v1/status": `wiki.hcl is broken","hint":""}}`, "/v1/descriptors": "blog", "/v1/claims": "blog", "/v1/policy": "blog", "/v1/logs?app=blog": "kept",
		"/v1/logs?app=shop": "", "/v1/logs": "",
	} {
		status, body := askAs(t, 65534, "GET", socket, path)
		if status != "200" || !strings.Contains(body, own) {
			t.Errorf("%s: status %s, %s", path, status, body)
		}
		for _, secret := range []string{"shop", "cash", "host.hcl", `"eve"`, "@adm"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s shows %q: %s", path, secret, body)
			}
		}
	}
	// Each user only sees that user's own actions.
	for uid, sees := range map[uint32]bool{65533: false, 65534: true, 0: true} {
		if _, body := askAs(t, uid, "GET", socket, "/v1/audit"); strings.Contains(body, "shop") != sees {
			t.Errorf("/v1/audit for %d: %s", uid, body)
		}
	}
	if status, body := askAs(t, 0, "GET", socket, "/v1/status"); status != "200" || !strings.Contains(body, "shop") {
		t.Errorf("root sees %s", body)
	}
}

func TestUsersActOnTheirOwnAppsAloneAndEveryActionIsWrittenDown(t *testing.T) {
	h := &stubHost{halted: make(chan struct{})}
	client, socket := serve(t, h)
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	verbs := []string{"reload", "restart", "rollback", "stop"}
	for _, verb := range verbs {
		if status, body := askAs(t, 65534, "POST", socket, "/v1/apps/blog/"+verb); status != "200" {
			t.Errorf("%s of one's own app: status %s, %s", verb, status, body)
		}
		_, foreign := askAs(t, 65534, "POST", socket, "/v1/apps/shop/"+verb)
		_, unknown := askAs(t, 65534, "POST", socket, "/v1/apps/none/"+verb)
		if strings.ReplaceAll(foreign, "shop", "none") != unknown {
			t.Errorf("%s: another's app answers %s, one that does not exist %s", verb, foreign, unknown)
		}
	}
	for _, path := range []string{"/v1/reload", "/v1/shutdown"} {
		if status, body := askAs(t, 65534, "POST", socket, path); status != "409" {
			t.Errorf("%s by a user: status %s, %s", path, status, body)
		} else {
			faulttest.Want(t, body, "MGW-HST-027")
		}
	}
	if want := []string{"reload blog", "restart blog", "rollback blog", "stop blog"}; !slices.Equal(h.told, want) {
		t.Errorf("the host was told %q, want %q", h.told, want)
	}
	all, err := client.Actions(t.Context(), "", 0)
	if err != nil || len(all) != 3*len(verbs)+2 {
		t.Fatalf("%d actions written down, %v", len(all), err)
	}
	if a := all[0]; a.User != "bob" || a.UID != 65534 || a.PID == 0 || a.Verb != "reload" || a.App != "blog" || a.Result != "done" {
		t.Errorf("first action %+v", a)
	}
	if a := all[1]; a.App != "shop" || a.Result != "refused" || !strings.Contains(a.Error, "shop") {
		t.Errorf("second action %+v", a)
	}
	if last, err := client.Actions(t.Context(), "blog", 1); err != nil || len(last) != 1 || last[0].Verb != "stop" {
		t.Errorf("last action on blog %+v, %v", last, err)
	}
}

func TestUserCannotTakeAllConnections(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	l := &peerListener{isAdmin: func(uint32) bool { return false }, open: map[uint32]int{}}
	mine, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	var held []net.Conn
	for range maxConnections {
		held = append(held, connect(t, mine, l, nil))
	}
	connect(t, mine, l, errTooMany)
	held[0].Close()
	held[0].Close() // counts once
	held = append(held[1:], connect(t, mine, l, nil))
	connect(t, mine, l, errTooMany)
	for _, c := range held {
		c.Close()
	}
	if len(l.open) != 0 {
		t.Errorf("connections left: %v", l.open)
	}
}

// connect opens a connection to mine and has l identify it.
func connect(t *testing.T, mine net.Listener, l *peerListener, want error) net.Conn {
	t.Helper()
	client, err := net.Dial("unix", mine.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	server, err := mine.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.identify(server)
	if !errors.Is(err, want) {
		t.Fatalf("identified with %v, want %v", err, want)
	}
	if err != nil {
		server.Close()
	}
	return conn
}

func TestReadsOfAnothersAppAreWrittenDown(t *testing.T) {
	t.Parallel()
	server := &Server{Host: &stubHost{}, Audit: AuditIn(t.TempDir())}
	bob, root := server.As(65534), server.As(0)
	long := modgw.AppName(strings.Repeat("x", 10*maxRefusedName))
	for _, app := range []modgw.AppName{"blog", "shop", long} {
		if status, err := bob.StatusFor(t.Context(), app); err != nil || len(status.Apps) != 1 {
			t.Errorf("status for %.9s: %+v, %v", app, status.Apps, err)
		}
		if err := bob.Logs(t.Context(), LogQuery{App: app}, func(LogRecord) bool { return true }); err != nil {
			t.Error(err)
		}
		if _, err := bob.Disk(t.Context(), app); (err == nil) != (app == "blog") {
			t.Errorf("disk of %.9s: %v", app, err)
		}
		if _, err := root.StatusFor(t.Context(), app); err != nil {
			t.Error(err)
		}
	}
	actions, err := root.Actions(t.Context(), "", 0)
	if err != nil || len(actions) != 6 {
		t.Fatalf("%+v, %v", actions, err)
	}
	for n, verb := range []string{"status", "logs", "disk", "status", "logs", "disk"} {
		app := []modgw.AppName{"shop", long[:maxRefusedName]}[n/3]
		if a := actions[n]; a.User != "bob" || a.Verb != verb || a.App != app || a.Result != "refused" || len(a.Error) > 2*maxRefusedName {
			t.Errorf("%s: %+v", verb, a)
		}
	}
}

func TestRefusalsOfAUserPushOutNothingOfOthers(t *testing.T) {
	t.Parallel()
	var r refusals
	now := time.Now()
	admitted := func(uid uint32, after time.Duration) (all, last int) {
		for range 3 * maxRefusals {
			ok, isLast := r.admit(uid, now.Add(after))
			if ok {
				all++
			}
			if isLast {
				last++
			}
		}
		return all, last
	}
	for _, c := range []struct {
		uid   uint32
		after time.Duration
		want  int
	}{{7, 0, maxRefusals}, {7, refusalsInterval - 1, 0}, {8, refusalsInterval - 1, maxRefusals}, {7, refusalsInterval, maxRefusals}} {
		if all, last := admitted(c.uid, c.after); all != c.want || last != c.want/maxRefusals {
			t.Errorf("user %d after %v: %d are written down, %d the last", c.uid, c.after, all, last)
		}
	}
	if admitted(9, 2*refusalsInterval); len(r.users) != 1 {
		t.Errorf("%d users are remembered", len(r.users))
	}
}

func TestAuditLogBeginsANewFileAndPassesOverWhatACrashCutShort(t *testing.T) {
	dir := t.TempDir()
	a := AuditIn(dir)
	filler := strings.Repeat("x", 1<<20) + "\n"
	if err := os.WriteFile(filepath.Join(dir, "audit.log"), []byte(`{"verb":"stop"}`+"\n"+strings.Repeat(filler, 4)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Add(Action{Verb: "reload"}); err != nil {
		t.Fatal(err)
	}
	all, err := a.Read(0, func(Action) bool { return true })
	if err != nil || len(all) != 2 || all[0].Verb != "stop" || all[1].Verb != "reload" {
		t.Errorf("%+v, %v", all, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "audit.log")); err != nil || info.Size() > 1<<10 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func (h *stubHost) Metrics(func(modgw.AppName) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "modgw_info 1 "+r.Header.Get("Accept"))
	})
}

func TestMetricsComeAsTheyAreAskedFor(t *testing.T) {
	client, _ := serve(t, &stubHost{})
	for asJSON, want := range map[bool]string{false: "modgw_info 1 text/plain", true: "modgw_info 1 application/json"} {
		var got strings.Builder
		if err := client.Metrics(t.Context(), &got, asJSON); err != nil || got.String() != want {
			t.Errorf("%q, %v", got.String(), err)
		}
	}
}
