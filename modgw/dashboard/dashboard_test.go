package dashboard

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hostile is text that must not become a part of a page.
const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`

// stubHost has the app "blog" of user 7, and "shop" of user 8. All texts are hostile.
type stubHost struct {
	control.Host
	mu   sync.Mutex
	told []string
}

func (h *stubHost) IsAdmin(uid uint32) bool { return uid == 0 }

func (h *stubHost) Owns(uid uint32, app modgw.AppName) bool {
	return uid == 7 && app == "blog" || uid == 8 && app == "shop"
}

func (h *stubHost) UserName(uint32) string { return "somebody" }

func (h *stubHost) Status() control.Status {
	app := func(name modgw.AppName) control.AppStatus {
		return control.AppStatus{
			AppStatus: modgw.AppStatus{
				App: name, State: modgw.AppServing, Kind: "wsgi", Mount: "/", Root: hostile, Descriptor: hostile, Previous: 1,
				Hosts: []string{hostile},
				Generation: &modgw.GenerationStatus{Number: 2, Cause: hostile, Environment: modgw.EnvironmentStatus{
					Version: hostile, Packages: []modgw.Package{{Name: hostile, Version: hostile}},
				}},
				Runner: modgw.RunnerStatus{
					Workers: []modgw.WorkerStatus{{Number: 1, PID: 42, State: hostile, Memory: 5 << 20}},
					Crash:   &modgw.CrashStatus{Reason: hostile, Requests: []modgw.SuspectRequest{{Request: "r", Method: "GET", Path: hostile}}},
				},
				Failure: &modgw.FailureStatus{Code: "MGW-APP-001", Error: hostile, Text: hostile, Cause: hostile},
			},
			Watch:     control.WatchStatus{Mode: "poll", Reason: hostile, Degraded: hostile, Folders: []string{hostile}},
			Diagnosis: &diagnosis.Diagnosis{Severity: diagnosis.Critical, Sentence: hostile, Hint: hostile},
		}
	}
	return control.Status{
		Apps: []control.AppStatus{app("blog"), app("shop")}, Broken: []control.BrokenFile{
			{File: hostile, Diagnostics: hostile},
			{File: hostile, Diagnostics: hostile, Diagnosis: &diagnosis.Diagnosis{Severity: diagnosis.Warning, Sentence: hostile}},
		},
		Diagnosis: &diagnosis.Diagnosis{Severity: diagnosis.Critical, Sentence: "disk full " + hostile, Hint: hostile},
	}
}

func (h *stubHost) Descriptors() []modgw.Descriptor {
	return []modgw.Descriptor{{
		Name: "blog", Root: hostile, Env: map[string]string{"API_KEY": "hunter2-of-blog", "A": "value-of-a"},
		Secrets: []string{"marked-secret"}, HTTP: &modgw.HTTP{Command: []string{"serve", "marked-secret", hostile}},
	}}
}

func (h *stubHost) History(_ time.Time, may func(modgw.AppName) bool) (all []history.App) {
	for _, name := range []modgw.AppName{"blog", "shop"} {
		if may(name) {
			now, value := time.Now().UnixMilli(), 1.5
			a := history.App{App: name, Times: []int64{now - 5000, now}, Deploys: []history.Deploy{
				{Generation: 2, Cause: hostile, Error: hostile, Changes: []string{hostile}},
			}}
			for range history.AllSeries() {
				a.Values = append(a.Values, []*float64{&value, &value})
			}
			all = append(all, a)
		}
	}
	return all
}

func (h *stubHost) RequestRecords(modgw.AppName) (modgw.RequestRecords, error) {
	r := modgw.RequestRecord{
		SuspectRequest: modgw.SuspectRequest{Request: "r1/2", Method: hostile, Path: hostile}, Status: 500, Cause: hostile,
		Took: 0.3, Queued: 0.1, FirstByte: 0.2, LastByte: 0.25, Front: 0.05, Worker: 1, Tries: 2,
	}
	return modgw.RequestRecords{Slow: []modgw.RequestRecord{r}, Failed: []modgw.RequestRecord{r}}, nil
}

func (h *stubHost) Logs(_ context.Context, q control.LogQuery, yield func(control.LogRecord) bool) {
	yield(control.LogRecord{App: q.App, Level: "ERROR", Message: hostile, Attrs: []control.LogAttr{{Key: "request", Value: hostile}, {Key: hostile, Value: hostile}}})
}

func (h *stubHost) note(verb string, app modgw.AppName) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, verb+" "+string(app))
	return nil
}

func (h *stubHost) Reload(_ context.Context, a modgw.AppName) error   { return h.note("reload", a) }
func (h *stubHost) Restart(_ context.Context, a modgw.AppName) error  { return h.note("restart", a) }
func (h *stubHost) Rollback(_ context.Context, a modgw.AppName) error { return h.note("rollback", a) }
func (h *stubHost) StopApp(_ context.Context, a modgw.AppName) error  { return h.note("stop", a) }

func (h *stubHost) Scale(a modgw.AppName, s modgw.Scale) (modgw.ScaleStatus, error) {
	return modgw.ScaleStatus{}, h.note("scale to "+s.String(), a)
}

// browser sends requests to a dashboard.
type browser struct {
	*testing.T
	pages  *Dashboard
	host   *stubHost
	root   string // path of the pages of its session
	cookie *http.Cookie
}

func newDashboard(t *testing.T, u *url.URL) *browser {
	h := &stubHost{}
	return &browser{T: t, host: h, pages: New(Config{As: (&control.Server{Host: h}).As, URL: u})}
}

// enter signs the browser in with the rights of a user.
func (b *browser) enter(uid uint32) *browser {
	b.Helper()
	link, _ := b.pages.Link(uid, "127.0.0.1:9181")
	b.cookie = nil
	w := b.ask("GET", strings.TrimPrefix(link, "http://127.0.0.1:9181"), nil)
	if w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 1 {
		b.Fatalf("%d %v", w.Code, w.Header())
	}
	b.cookie, b.root = w.Result().Cookies()[0], strings.TrimSuffix(w.Header().Get("Location"), "/")
	return b
}

// ask sends a request as a browser does that sends a form, if form is not nil; edit changes the
// request.
func (b *browser) ask(method, path string, form url.Values, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	b.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Host = "127.0.0.1:9181"
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.cookie != nil && strings.HasPrefix(path, b.cookie.Path) {
		r.AddCookie(b.cookie)
	}
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	b.pages.ServeHTTP(w, r)
	return w
}

// form returns the values that the forms of the session send.
func (b *browser) form(path string) url.Values {
	b.Helper()
	found := regexp.MustCompile(`name="form" value="(\w+)"`).FindStringSubmatch(b.ask("GET", b.root+path, nil).Body.String())
	if found == nil {
		b.Fatal("there is no form")
	}
	return url.Values{"form": {found[1]}}
}

func TestEveryPageIsForThoseAloneWhoWereLetIn(t *testing.T) {
	b := newDashboard(t, nil).enter(0)
	paths := []string{"/", "/apps/blog", "/apps/blog/figures", "/apps/blog/requests/r", "/apps/blog/actions/stop", "/events"}
	for _, root := range []string{"", "/s/" + strings.Repeat("0", 32), b.root} {
		for _, path := range paths {
			own := b.cookie
			b.cookie = nil
			for _, value := range []string{"", "wrong"} {
				w := b.ask("GET", root+path, nil, func(r *http.Request) {
					if value != "" {
						r.AddCookie(&http.Cookie{Name: cookieName, Value: value})
					}
				})
				if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "blog") {
					t.Errorf("%s%s: %d", root, path, w.Code)
				}
			}
			b.cookie = own
		}
	}
	for _, path := range paths[:5] {
		if w := b.ask("GET", b.root+path, nil); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestCookieStaysWithTheSession(t *testing.T) {
	b := newDashboard(t, nil).enter(0)
	if c := b.cookie; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != b.root+"/" || len(c.Path) < 32 {
		t.Errorf("%+v", c)
	}
	first := b.ask("POST", b.root+"/leave", b.form("/"))
	if w := b.ask("GET", b.root+"/", nil); first.Code != http.StatusOK || w.Code != http.StatusUnauthorized {
		t.Errorf("%d, then %d", first.Code, w.Code)
	}
}

func TestLinkWorksOnceAndNotForPreviews(t *testing.T) {
	b := newDashboard(t, nil)
	link, expires := b.pages.Link(0, "127.0.0.1:9181")
	path := strings.TrimPrefix(link, "http://127.0.0.1:9181")
	if left := time.Until(expires); left <= 0 || left > LinkLife {
		t.Errorf("it works for %s", left)
	}
	for i, want := range []int{http.StatusMethodNotAllowed, http.StatusSeeOther, http.StatusForbidden} {
		method := "GET"
		if i == 0 {
			method = "HEAD"
		}
		if w := b.ask(method, path, nil); w.Code != want {
			t.Errorf("%s: %d, not %d", method, w.Code, want)
		}
	}
	for _, token := range []string{"", "0", strings.Repeat("0", 64)} {
		if w := b.ask("GET", "/enter?token="+token, nil); w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
			t.Errorf("%q: %d", token, w.Code)
		}
	}
}

func TestLinksAndSessionsOfAUserAreBounded(t *testing.T) {
	s := newSessions()
	first, _ := s.newToken(7)
	others, _ := s.newToken(8)
	for range mostTokens {
		s.newToken(7)
	}
	if o, _ := s.enter(first); o != nil || len(s.tokens) != mostTokens+1 {
		t.Errorf("%d links, and the first works: %v", len(s.tokens), o != nil)
	}
	if o, _ := s.enter(others); o == nil {
		t.Error("the link of another user has made room")
	}
	for range 2 * mostSessions {
		secret, _ := s.newToken(7)
		s.enter(secret)
	}
	if len(s.byID) != mostSessions+1 {
		t.Errorf("%d sessions", len(s.byID))
	}
}

func TestRequestsForOtherNamesAreRefused(t *testing.T) {
	b := newDashboard(t, &url.URL{Scheme: "https", Host: "ops.example.com", Path: "/modgw/"})
	for host, want := range map[string]int{
		"evil.example": 421, "evil.example:9181": 421, "127.0.0.1.evil.example": 421, "10.0.0.5:9181": 421, "": 421, "localhost.evil": 421,
		"ops.example.com.evil.example": 421, "ops.example.com:444": 421,
		"127.0.0.1:9181": 401, "localhost": 401, "LOCALHOST:1": 401, "[::1]:9181": 401, "ops.example.com": 401, "127.8.9.10": 401,
	} {
		w := b.ask("GET", "/", nil, func(r *http.Request) { r.Host = host })
		if w.Code != want {
			t.Errorf("%q: %d, not %d", host, w.Code, want)
		}
	}
}

func TestActionsNeedTheFormOfTheSession(t *testing.T) {
	b := newDashboard(t, nil).enter(0)
	path, form := b.root+"/apps/blog/actions/stop", b.form("/apps/blog/actions/stop")
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for what, w := range map[string]*httptest.ResponseRecorder{
		"no form":            b.ask("POST", path, nil),
		"a wrong form":       b.ask("POST", path, url.Values{"form": {strings.Repeat("0", 64)}}),
		"form in the URL":    b.ask("POST", path+"?form="+form.Get("form"), url.Values{}),
		"another site":       b.ask("POST", path, form, header("Sec-Fetch-Site", "cross-site")),
		"another port":       b.ask("POST", path, form, header("Sec-Fetch-Site", "same-site")),
		"another origin":     b.ask("POST", path, form, header("Origin", "http://127.0.0.1:8000")),
		"an opaque origin":   b.ask("POST", path, form, header("Origin", "null")),
		"a form of before":   newDashboard(t, nil).enter(0).ask("POST", path, form),
		"GET":                b.ask("GET", path, nil),
		"an unknown action":  b.ask("POST", b.root+"/apps/blog/actions/delete", form),
		"another user's app": newDashboard(t, nil).enter(8).ask("POST", path, form),
	} {
		if want := http.StatusOK; what == "GET" && w.Code != want || what != "GET" && w.Code < 400 {
			t.Errorf("%s: %d", what, w.Code)
		}
	}
	if len(b.host.told) > 0 {
		t.Fatalf("the host was told %q", b.host.told)
	}
	w := b.ask("POST", path, form, header("Sec-Fetch-Site", "same-origin"))
	if w.Code != http.StatusSeeOther || !slices.Equal(b.host.told, []string{"stop blog"}) {
		t.Errorf("%d, and the host was told %q", w.Code, b.host.told)
	}
	if w := b.ask("GET", w.Header().Get("Location"), nil); !strings.Contains(w.Body.String(), "Stop: done") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestWorkersAreScaledToWhatIsTyped(t *testing.T) {
	b := newDashboard(t, nil).enter(0)
	path := b.root + "/apps/blog/actions/scale"
	if text := b.ask("GET", path, nil).Body.String(); !strings.Contains(text, `name="word"`) {
		t.Errorf("no field: %s", text)
	}
	form := b.form("/apps/blog/actions/scale")
	for word, want := range map[string]int{"1..8": http.StatusSeeOther, " 3 ": http.StatusSeeOther, "many": http.StatusBadRequest} {
		form.Set("word", word)
		if w := b.ask("POST", path, form); w.Code != want {
			t.Errorf("%q: %d %s", word, w.Code, w.Body)
		}
	}
	slices.Sort(b.host.told)
	if want := []string{"scale to 1..8 blog", "scale to 3 blog"}; !slices.Equal(b.host.told, want) {
		t.Errorf("the host was told %q, want %q", b.host.told, want)
	}
}

func TestUsersSeeAndActOnTheirOwnAppsAlone(t *testing.T) {
	b := newDashboard(t, nil).enter(7)
	if text := b.ask("GET", b.root+"/", nil).Body.String(); !strings.Contains(text, "apps/blog") || strings.Contains(text, "shop") {
		t.Error("the page shows other apps than those of the user")
	}
	form := b.form("/apps/blog/actions/reload")
	for _, w := range []*httptest.ResponseRecorder{
		b.ask("GET", b.root+"/apps/shop", nil),
		b.ask("GET", b.root+"/apps/shop/requests/r", nil),
		b.ask("POST", b.root+"/apps/shop/actions/stop", form),
	} {
		if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "wsgi") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := b.ask("GET", b.root+"/apps/shop/figures", nil); !strings.Contains(w.Body.String(), `"app":null`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := b.ask("POST", b.root+"/apps/blog/actions/reload", form); w.Code != http.StatusSeeOther {
		t.Errorf("%d", w.Code)
	}
	if !slices.Equal(b.host.told, []string{"reload blog"}) {
		t.Errorf("the host was told %q", b.host.told)
	}
}

func TestTextOfOthersIsTextInPages(t *testing.T) {
	b := newDashboard(t, nil).enter(0)
	for _, path := range []string{"/", "/apps/blog", "/apps/blog/requests/r1%2F2", "/apps/blog/actions/stop", "/apps/" + url.PathEscape(hostile)} {
		w := b.ask("GET", b.root+path, nil)
		text := w.Body.String()
		if strings.Contains(text, "<script>alert") || strings.Contains(text, "<img") || !strings.Contains(text, "&lt;script&gt;") && path != "/apps/blog/actions/stop" {
			t.Errorf("%s: %d %s", path, w.Code, text)
		}
		if regexp.MustCompile(`(?i)<[^>]+ (on\w+|style)=`).MatchString(text) || strings.Contains(text, "javascript:") {
			t.Errorf("%s has script or style in line", path)
		}
		if links := regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//`).FindString(text); links != "" {
			t.Errorf("%s asks another machine", path)
		}
	}
}

func TestSecretsAreNotInPages(t *testing.T) {
	b := newDashboard(t, nil).enter(0)
	text := b.ask("GET", b.root+"/apps/blog", nil).Body.String()
	for _, secret := range []string{"hunter2-of-blog", "value-of-a", "marked-secret"} {
		if strings.Contains(text, secret) {
			t.Errorf("the page has %s", secret)
		}
	}
	if !strings.Contains(text, "env.API_KEY") {
		t.Error("the page does not name the variables")
	}
}

func TestBrowsersAreToldToLoadNothingElse(t *testing.T) {
	b := newDashboard(t, nil).enter(0)
	for _, path := range []string{"/nothing", b.root + "/", b.root + "/apps/blog", b.pages.assetsPath() + "/dashboard.js"} {
		h := b.ask("GET", path, nil).Header()
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") ||
			!strings.Contains(policy, "frame-ancestors 'none'") || h.Get("X-Frame-Options") != "DENY" ||
			h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestAssetsAreThereWithTheirTypes(t *testing.T) {
	b := newDashboard(t, nil)
	for name, kind := range map[string]string{
		"dashboard.js": "text/javascript", "plots.js": "text/javascript", "dashboard.css": "text/css", "icon.svg": "image/svg+xml",
		"uplot/uPlot.esm.js": "text/javascript", "uplot/uPlot.min.css": "text/css", "uplot/LICENSE": "text/plain",
	} {
		w := b.ask("GET", b.pages.assetsPath()+"/"+name, nil)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || w.Body.Len() == 0 {
			t.Errorf("%s: %d %s", name, w.Code, w.Header())
		}
	}
	for _, name := range []string{"", "../dashboard.go", "uplot", "%2e%2e/dashboard.go"} {
		if w := b.ask("GET", b.pages.assetsPath()+"/"+name, nil); w.Code == http.StatusOK {
			t.Errorf("%q is there", name)
		}
	}
}

func TestPagesBehindAWebServerHaveItsPath(t *testing.T) {
	b := newDashboard(t, &url.URL{Scheme: "https", Host: "ops.example.com", Path: "/modgw"})
	link, _ := b.pages.Link(0, "127.0.0.1:9181")
	path, ok := strings.CutPrefix(link, "https://ops.example.com/modgw/")
	if !ok {
		t.Fatal(link)
	}
	w := b.ask("GET", "/"+path, nil) // the web server has removed the prefix
	root := w.Header().Get("Location")
	cookie := w.Result().Cookies()[0]
	if !strings.HasPrefix(root, "/modgw/s/") || cookie.Path != root || !cookie.Secure {
		t.Errorf("%s, %+v", root, cookie)
	}
	for _, asked := range []string{root, strings.TrimPrefix(root, "/modgw")} {
		w := b.ask("GET", asked, nil, func(r *http.Request) { r.AddCookie(cookie) })
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `href="/modgw/assets/`) {
			t.Errorf("%s: %d %s", asked, w.Code, w.Body)
		}
	}
}

func TestUnixSocketSaysWhoItIs(t *testing.T) {
	h := &stubHost{}
	d := New(Config{As: (&control.Server{Host: h}).As})
	dir, err := os.MkdirTemp("", "dash")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "d")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { _ = d.Serve(ctx, l) })
	defer serving.Wait()
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	for path, want := range map[string]int{"/": 200, "/s/" + strings.Repeat("0", 32) + "/": 401} {
		r, _ := http.NewRequestWithContext(ctx, "GET", "http://localhost"+path, nil)
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
}

func TestEventsBringWhatHasChanged(t *testing.T) {
	t.Parallel() // it waits for the second look
	b := newDashboard(t, nil).enter(0)
	ctx, cancel := context.WithCancel(t.Context())
	w := &eventWriter{ResponseRecorder: httptest.NewRecorder(), flushed: make(chan string)}
	r := httptest.NewRequestWithContext(ctx, "GET", b.root+"/events?app=blog", nil)
	r.Host = "localhost"
	r.AddCookie(b.cookie)
	var serving sync.WaitGroup
	serving.Go(func() { b.pages.ServeHTTP(w, r) })
	parts, points := <-w.flushed, <-w.flushed
	if !strings.HasPrefix(parts, "event: parts\ndata: {") || strings.Contains(parts, "<script>") || !strings.Contains(parts, `"generations":`) {
		t.Error(parts)
	}
	if !strings.HasPrefix(points, "event: points\ndata: {") || strings.Count(points, "\n") != 3 {
		t.Error(points)
	}
	if next := <-w.flushed; next != "event: parts\ndata: {}\n\n" {
		t.Errorf("what has not changed is sent again: %s", next)
	}
	cancel()
	go func() {
		for range w.flushed {
		}
	}()
	serving.Wait()
	close(w.flushed)
	if b.pages.streams.now.Load() != 0 {
		t.Error("an ended stream counts")
	}
}

// eventWriter passes on the text of each flush.
type eventWriter struct {
	*httptest.ResponseRecorder
	flushed chan string
}

func (w *eventWriter) Flush() {
	text := w.Body.String()
	w.Body.Reset()
	w.flushed <- text
}

func (w *eventWriter) SetWriteDeadline(time.Time) error { return nil }
