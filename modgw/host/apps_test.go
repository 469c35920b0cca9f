package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// appsFolder is a folder of descriptors and a host that serves them. The host reads them only when
// reconcile is called.
type appsFolder struct {
	*testing.T
	host *Host
	dir  string
}

func newAppsFolder(t *testing.T) *appsFolder {
	t.Helper()
	dir := t.TempDir()
	h, err := New(Config{
		Targets:   []string{filepath.Join(dir, "*.hcl")},
		State:     t.TempDir(),
		Unwatched: true,
		Log:       slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.startReconciling(t.Context())
	t.Cleanup(func() {
		h.stopReconcilers()
		h.gateway.Close(context.Background())
	})
	return &appsFolder{t, h, dir}
}

// write writes the descriptor of a static app that serves one page.
func (f *appsFolder) write(app, mount, more string) {
	f.Helper()
	root := filepath.Join(f.dir, app)
	if err := errors.Join(
		os.MkdirAll(root, 0o755),
		os.WriteFile(filepath.Join(root, "page"), []byte(app), 0o644),
	); err != nil {
		f.Fatal(err)
	}
	f.writeText(app, fmt.Sprintf("app %q {\n  root  = %q\n  mount = %q\n  static { dir = \".\" }\n%s\n}\n",
		app, app, mount, more))
}

func (f *appsFolder) writeText(app, text string) {
	f.Helper()
	if err := os.WriteFile(f.file(app), []byte(text), 0o644); err != nil {
		f.Fatal(err)
	}
}

func (f *appsFolder) remove(app string) {
	f.Helper()
	if err := os.Remove(f.file(app)); err != nil {
		f.Fatal(err)
	}
}

func (f *appsFolder) file(app string) string { return filepath.Join(f.dir, app+".hcl") }

// reconcile applies the descriptors, with the apps in again deployed in any case, and returns when
// the deploys have ended. Their errors are returned.
func (f *appsFolder) reconcile(again ...modgw.AppName) error {
	f.Helper()
	asked := f.host.reconcile("saved", func(d modgw.Descriptor) bool {
		for _, name := range again {
			if name == d.Name {
				return true
			}
		}
		return false
	})
	ctx, cancel := context.WithTimeout(f.Context(), time.Minute)
	defer cancel()
	return f.host.await(ctx, asked)
}

// want compares the number of an app's generation; 0 is that it has none.
func (f *appsFolder) want(app modgw.AppName, generation int) {
	f.Helper()
	if got := f.generation(app); got != generation {
		f.Errorf("app %q has generation %d, want %d", app, got, generation)
	}
}

func (f *appsFolder) generation(app modgw.AppName) int {
	for _, s := range f.host.Status().Apps {
		if s.App == app && s.Generation != nil {
			return s.Generation.Number
		}
	}
	return 0
}

// wantPage compares the answer to a request for a page.
func (f *appsFolder) wantPage(path string, status int, body string) {
	f.Helper()
	answer := httptest.NewRecorder()
	f.host.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	if answer.Code != status || body != "" && answer.Body.String() != body {
		f.Errorf("%s answers %d %.100q, want %d %q", path, answer.Code, answer.Body, status, body)
	}
}

func (f *appsFolder) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func TestAppsAreAddedChangedAndRemovedWithTheirDescriptors(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/blog", "")
	f.write("shop", "/shop", "")
	f.must(f.reconcile())
	f.wantPage("/blog/page", 200, "blog")
	f.wantPage("/shop/page", 200, "shop")

	f.write("shop", "/store", "")
	f.must(f.reconcile())
	f.want("blog", 1)
	f.want("shop", 2)
	f.wantPage("/store/page", 200, "shop")
	f.wantPage("/shop/page", 404, "")

	shop := f.host.managedApps()["shop"]
	f.remove("shop")
	f.must(f.reconcile())
	f.want("blog", 1)
	f.wantPage("/store/page", 404, "")
	select {
	case <-shop.ended:
	default:
		t.Error("the reconciler of a removed app still runs")
	}
	if all := f.host.Descriptors(); len(all) != 1 || all[0].Name != "blog" {
		t.Errorf("descriptors: %+v", all)
	}
}

func TestChosenAppIsDeployedAgainWithoutAChange(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/blog", "")
	f.write("shop", "/shop", "")
	f.must(f.reconcile())
	f.must(f.reconcile("shop"))
	f.want("blog", 1)
	f.want("shop", 2)
}

func TestAppStaysWhileItsDescriptorIsBroken(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/blog", "")
	f.must(f.reconcile())
	f.writeText("blog", "app \"blog\" {\n  mount = \"/blog\"\n  static { dir = 3 }\n}\n")
	f.must(f.reconcile())
	f.want("blog", 1)
	f.wantPage("/blog/page", 200, "blog")
	if apps := f.host.Status().Apps; len(apps) != 1 || apps[0].Failure == nil {
		t.Errorf("the status shows no failure: %+v", apps)
	}
	f.write("blog", "/blog", "  env = { A = \"1\" }")
	f.must(f.reconcile())
	f.want("blog", 2)
	f.remove("blog")
	f.must(f.reconcile())
	f.wantPage("/blog/page", 404, "")
}

func TestReloadWithoutWaitingReportsBrokenDescriptors(t *testing.T) {
	f := newAppsFolder(t)
	f.write("shop", "/shop", "")
	f.must(f.reconcile())
	f.writeText("blog", "app \"blog\" {\n  mount = \"/blog\"\n  static { dir = 3 }\n}\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, app := range []modgw.AppName{"", "blog"} {
		if err := f.host.Reload(ctx, app); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("reload of %q: %v", app, err)
		}
	}
}

func TestAppThatIsBrokenFromTheStartAnswers503UntilItIsFixed(t *testing.T) {
	f := newAppsFolder(t)
	f.write("shop", "/shop", "")
	f.writeText("blog", "app \"blog\" {\n  mount = \"/blog\"\n  static { dir = 3 }\n}\n")
	f.writeText("wiki", "app \"wiki\" {\n  mount = \"/wiki\"\n  static { dir = 3 }\n}\n")
	f.must(f.reconcile())
	f.wantPage("/blog/page", 503, "")
	f.wantPage("/wiki/page", 503, "")
	f.wantPage("/shop/page", 200, "shop")
	f.remove("wiki")
	f.must(f.reconcile())
	f.wantPage("/blog/page", 503, "")
	f.wantPage("/wiki/page", 404, "")
	f.write("blog", "/blog", "")
	f.must(f.reconcile())
	f.wantPage("/blog/page", 200, "blog")
}

func TestAnyUnknownPageAnswers503WhileABrokenDescriptorMayHaveIt(t *testing.T) {
	f := newAppsFolder(t)
	f.write("shop", "/shop", "")
	f.writeText("blog", "app \"blog\" {\n  mout = \"/blog\"\n  static { dir = \".\" }\n}\n")
	f.must(f.reconcile())
	f.wantPage("/anywhere", 503, "")
	f.wantPage("/shop/page", 200, "shop")
	f.write("blog", "/blog", "")
	f.must(f.reconcile())
	f.wantPage("/anywhere", 404, "")
	f.wantPage("/blog/page", 200, "blog")

	f.writeText("wiki", "app \"wiki\" {\n  mout = \"/wiki\"\n  static { dir = \".\" }\n}\n")
	f.must(f.reconcile())
	f.wantPage("/anywhere", 404, "") // a new file had no pages before
}

func TestAppsExchangeTheirPlacesInOneChange(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/a", "")
	f.write("shop", "/b", "")
	f.must(f.reconcile())
	f.write("blog", "/b", "")
	f.write("shop", "/a", "")
	f.must(f.reconcile())
	f.wantPage("/b/page", 200, "blog")
	f.wantPage("/a/page", 200, "shop")
}

func TestNewAppGetsThePlaceOfARemovedOneInOneChange(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/a", "")
	f.must(f.reconcile())
	f.remove("blog")
	f.write("shop", "/a", "")
	f.must(f.reconcile())
	f.wantPage("/a/page", 200, "shop")
}

func TestOnDemandAppIsRegisteredAndNotDeployedByChanges(t *testing.T) {
	const onDemand = "  idle { start = \"on-demand\" }"
	f := newAppsFolder(t)
	f.write("blog", "/blog", onDemand)
	f.must(f.reconcile())
	f.want("blog", 0)
	f.must(f.reconcile("blog"))
	f.want("blog", 0)
	f.write("blog", "/news", onDemand)
	f.must(f.reconcile())
	f.want("blog", 0)
	f.host.changed(t.Context(), reload.Change{App: "blog", Class: reload.Code, Cause: "page changed"})
	f.wantPage("/blog/page", 404, "")
	f.wantPage("/news/page", 200, "blog")
	f.want("blog", 1)

	f.write("blog", "/blog", onDemand)
	f.must(f.reconcile())
	f.want("blog", 2)
}

func TestChangedFilesDeployTheAppThatServes(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/blog", "")
	f.must(f.reconcile())
	await := func(generation int) {
		t.Helper()
		for limit := time.Now().Add(time.Minute); f.generation("blog") != generation; time.Sleep(time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatalf("generation %d did not come", generation)
			}
		}
	}
	f.host.changed(t.Context(), reload.Change{App: "nowhere", Class: reload.Code})
	f.host.changed(t.Context(), reload.Change{App: "blog", Class: reload.Code, Cause: "page changed"})
	await(2)
	if status := f.host.Status().Apps[0]; status.Generation.Cause != "page changed" {
		t.Errorf("the second generation is caused by %q", status.Generation.Cause)
	}

	paths := []string{f.file("blog")}
	f.host.changed(t.Context(), reload.Change{App: ownFiles, Class: reload.Descriptor, Paths: paths})
	await(3)

	f.write("blog", "/blog", "  reload { mode = \"off\" }")
	f.must(f.reconcile())
	f.want("blog", 4)
	f.host.reconciler("blog").hold = func() (release func()) {
		t.Error("a change requests a deploy of an app that is not reloaded")
		return func() {}
	}
	f.host.changed(t.Context(), reload.Change{App: ownFiles, Class: reload.Descriptor, Paths: paths})
	f.want("blog", 4)
}

func TestAppWhoseNameBelongsToAnotherUserNowFindsNothingOfTheOldOne(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/blog", "")
	f.must(f.reconcile("blog"))
	before := f.host.managedApps()["blog"]
	d := f.host.Descriptors()[0]
	d.Owner, d.File = "bob", "/home/bob/blog.hcl"
	f.host.reconcileLock.Lock()
	asked := f.host.apply([]*file{{Path: d.File, Owner: d.Owner, Descriptors: []modgw.Descriptor{d}}}, "saved",
		func(modgw.Descriptor) bool { return false })
	f.host.reconcileLock.Unlock()
	f.must(f.host.await(t.Context(), asked))
	if f.host.managedApps()["blog"] == before {
		t.Error("the reconciler of the other user's app goes on")
	}
	f.want("blog", 1)
}

func TestAppThatWasStoppedStaysSoWhenItsHostIsReplaced(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/blog", "")
	f.write("shop", "/shop", "")
	f.host.inherited = map[modgw.AppName]modgw.AppState{"blog": modgw.AppStopped, "shop": modgw.AppServing}
	f.must(f.reconcile())
	f.want("blog", 0)
	f.want("shop", 1)
	f.wantPage("/blog/page", 503, "")
	f.must(f.host.Restart(t.Context(), "blog"))
	f.wantPage("/blog/page", 200, "blog")
}

func TestAppThatIsAddedAfterAnUpgradeIsNotThatOfTheReplacedHost(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/blog", "")
	f.host.inherited = map[modgw.AppName]modgw.AppState{"blog": modgw.AppStopped, "shop": modgw.AppServing}
	f.must(f.reconcile())
	f.wantPage("/blog/page", 503, "")
	f.host.ownsState.Store(true) // the other host has ended
	f.remove("blog")
	f.must(f.reconcile())
	f.write("blog", "/blog", "")
	f.write("shop", "/shop", "  idle { start = \"on-demand\" }")
	f.must(f.reconcile())
	f.wantPage("/blog/page", 200, "blog")
	f.want("shop", 0)
}

func TestStoppedAppIsNotStartedByChanges(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/blog", "")
	f.must(f.reconcile())
	f.must(f.host.StopApp(t.Context(), "blog"))
	requests := 0
	f.host.reconciler("blog").hold = func() (release func()) {
		requests++
		return func() {}
	}
	f.host.changed(t.Context(), reload.Change{App: "blog", Class: reload.Code, Cause: "page changed"})
	f.must(f.reconcile("blog"))
	if requests != 0 {
		t.Errorf("%d requests for a deploy", requests)
	}
}

func TestAnnouncedDeploysMakeRoomAndLetRequestsWait(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/a", "")
	f.must(f.reconcile())
	blog := f.host.Descriptors()[0]
	shop := blog
	shop.Name, shop.File = "shop", f.file("shop")
	if f.host.gateway.HasRoom(shop) {
		t.Fatal("two apps have one place")
	}
	blog.Mount = "/b"
	f.host.announceDeploys(map[modgw.AppName]modgw.Descriptor{"blog": blog, "shop": shop})
	if !f.host.gateway.HasRoom(shop) {
		t.Error("the app has no room at a place that another one is about to leave")
	}
	if state := f.host.gateway.State("shop"); state != modgw.AppStarting {
		t.Errorf("requests for the new app do not wait: it is %q", state)
	}
}

// removalLog calls removed when the host logs that an app was removed.
type removalLog struct {
	slog.Handler
	removed func()
}

func (l removalLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return removalLog{l.Handler.WithAttrs(attrs), l.removed}
}

func (l removalLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "app removed" {
		l.removed()
	}
	return l.Handler.Handle(ctx, r)
}

func TestRequestsForANewAppWaitAsSoonAsTheOldOneIsGone(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/a", "")
	f.must(f.reconcile())
	var state modgw.AppState
	removed := func() { state = f.host.gateway.State("shop") }
	f.host.log = slog.New(removalLog{f.host.log.Handler(), removed})
	f.remove("blog")
	f.write("shop", "/a", "")
	f.must(f.reconcile())
	if state != modgw.AppStarting {
		t.Errorf("when the old app was gone, the new one was %q", state)
	}
}

func TestNothingIsDeployedAfterReconcilersWereStopped(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/blog", "")
	f.must(f.reconcile())
	r := f.host.reconciler("blog")
	f.host.stopReconcilers()
	f.write("shop", "/shop", "")
	f.must(f.reconcile())
	f.wantPage("/shop/page", 404, "")
	f.wantPage("/blog/page", 200, "blog")
	request := deployRequest{class: reload.Code, cause: "too late"}
	select {
	case err := <-r.requestWithResult(request):
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a request to a stopped reconciler ends with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("a request to a stopped reconciler is never answered")
	}
}

func TestDescriptorBelongsToTheFilesThatItWasReadFrom(t *testing.T) {
	d := modgw.Descriptor{File: "/a/blog.hcl", EnvFile: "/a/.env", Sources: []string{"/a/key", "/a/pages"}}
	for path, want := range map[string]bool{
		"/a/blog.hcl":    true,
		"/a/.env":        true,
		"/a/key":         true,
		"/a/pages/1.txt": true, // fileset() listed the folder
		"/a/pages2":      false,
		"/a/keys":        false,
		"/a":             false,
	} {
		if got := belongs(d, map[string]bool{path: true}); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if !belongs(d, map[string]bool{"/elsewhere": true, "/a/key": true}) {
		t.Error("one of several paths is enough")
	}
}
