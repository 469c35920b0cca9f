package modgw

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
)

// at returns the descriptor of an app with a mount. The app answers with its name and version.
func at(name AppName, mount MountPath, version string) Descriptor {
	d := descriptor(string(name) + " " + version)
	d.Name, d.Mount = name, mount
	return d
}

// deployAll announces a set of changes and deploys it, each app by its own goroutine.
func deployAll(t *testing.T, g *Gateway, set ...Descriptor) []error {
	t.Helper()
	for _, d := range set {
		if err := g.Expect(d); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	failed := make([]error, len(set))
	var all sync.WaitGroup
	for i, d := range set {
		all.Go(func() { failed[i] = g.Deploy(ctx, d, "set") })
	}
	all.Wait()
	return failed
}

func TestAppsWithDifferentPatternsShareAMount(t *testing.T) {
	g := testGateway(t, &stage{})
	matching := func(name AppName, match string) Descriptor {
		d := at(name, "/", "1")
		d.MountMatch = match
		return d
	}
	all := deployAll(t, g, at("rest", "/", "1"), matching("en", "/en"), matching("pages", `/.*\.md`))
	if err := errors.Join(all...); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/en/x": "en", "/x.md": "pages", "/x": "rest", "/en.md": "pages"} {
		if w := get(g, path); !strings.HasPrefix(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", path, w.Code, w.Body, want)
		}
	}
	if err := g.Deploy(t.Context(), matching("same", "/en"), "test"); !errors.Is(err, ErrPlaceTaken) {
		t.Errorf("the same pattern: %v", err)
	}
}

func TestAppsExchangeTheirMountsWithoutAGap(t *testing.T) {
	g := testGateway(t, &stage{})
	deploy(t, g, at("a", "/a", "1"))
	deploy(t, g, at("b", "/b", "1"))
	var stop atomic.Bool
	var asking sync.WaitGroup
	for _, path := range []string{"/a/x", "/b/x"} {
		asking.Go(func() {
			for !stop.Load() {
				if w := get(g, path); w.Code != http.StatusOK {
					t.Errorf("%s: %d %s", path, w.Code, w.Body)
					return
				}
			}
		})
	}
	for range 20 {
		for _, set := range [][]Descriptor{{at("a", "/b", "2"), at("b", "/a", "2")}, {at("b", "/b", "1"), at("a", "/a", "1")}} {
			if err := errors.Join(deployAll(t, g, set...)...); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop.Store(true)
	asking.Wait()
	if err := errors.Join(deployAll(t, g, at("a", "/b", "2"), at("b", "/a", "2"))...); err != nil {
		t.Fatal(err)
	}
	if a, b := get(g, "/a/x").Body.String(), get(g, "/b/x").Body.String(); a != "b 2" || b != "a 2" {
		t.Errorf("/a answers %q, /b answers %q", a, b)
	}
}

func TestNewAppTakesAPlaceThatAnotherLeaves(t *testing.T) {
	g := testGateway(t, &stage{})
	deploy(t, g, at("old", "/", "1"))
	if err := errors.Join(deployAll(t, g, at("new", "/", "1"), at("old", "/old", "2"))...); err != nil {
		t.Fatal(err)
	}
	if now, moved := get(g, "/x").Body.String(), get(g, "/old/x").Body.String(); now != "new 1" || moved != "old 2" {
		t.Errorf("/ answers %q, /old answers %q", now, moved)
	}
}

func TestGenerationThatIsCalledOffWhileItWaitsForItsPlaceIsStopped(t *testing.T) {
	s := &stage{}
	g := testGateway(t, s)
	deploy(t, g, at("old", "/", "1"))
	if err := g.Expect(at("old", "/old", "2")); err != nil { // but it is not deployed
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.starting = func(context.Context) { cancel() }
	if err := g.Deploy(ctx, at("new", "/", "1"), "test"); err == nil {
		t.Error("it has taken a place that is not free")
	}
	if len(s.runners) != 2 || !s.runners[1].isStopped() {
		t.Error("the workers of the generation are left")
	}
	if got := get(g, "/x").Body.String(); got != "old 1" {
		t.Errorf("/ answers %q", got)
	}
}

// TestGenerationThatCannotTakeOverBlocksNoPlace: one app waits for a place that is not free, and
// another one is ready for its other place.
func TestGenerationThatCannotTakeOverBlocksNoPlace(t *testing.T) {
	g := testGateway(t, &stage{})
	waiting, ready := at("waiting", "/", "1"), at("ready", "/", "1")
	waiting.Hosts, ready.Hosts = []string{"free.example", "used.example"}, []string{"free.example"}
	g.locations[hostMount{host: "used.example", mount: "/"}] = newApp(at("old", "/", "1"), AppServing)
	for range 20 { // they are looked at in any order
		all := map[*App]*takeover{}
		for _, d := range []Descriptor{waiting, ready} {
			app := newApp(d, AppStarting)
			all[app] = &takeover{app: app, next: &Generation{Descriptor: d}}
		}
		g.takeovers = all
		fitting := g.fitting()
		for app := range all {
			if fits := fitting[app] != nil; fits != (app.name == "ready") {
				t.Fatalf("app %q takes over: %v", app.name, fits)
			}
		}
	}
	clear(g.takeovers)
}

func TestExchangeDoesNotHappenWhenOneOfTheAppsFails(t *testing.T) {
	s := &stage{}
	g := testGateway(t, s)
	deploy(t, g, at("a", "/a", "1"))
	deploy(t, g, at("b", "/b", "1"))
	deploy(t, g, at("c", "/c", "1"))
	broken := at("b", "/a", "2")
	broken.Kind = KindCGI // which this gateway has no runner for
	failed := deployAll(t, g, at("a", "/b", "2"), broken)
	if !errors.Is(failed[0], ErrPlaceTaken) || !faulttest.Has(failed[0].Error(), "MGW-APP-108") {
		t.Errorf("the app whose new place is not free: %v", failed[0])
	}
	if failed[1] == nil || errors.Is(failed[1], ErrPlaceTaken) {
		t.Errorf("the app that cannot be deployed: %v", failed[1])
	}
	for path, want := range map[string]string{"/a/x": "a 1", "/b/x": "b 1", "/c/x": "c 1"} {
		if w := get(g, path); w.Body.String() != want {
			t.Errorf("%s: %q, want %q", path, w.Body, want)
		}
	}
	if st, _ := g.AppStatus("a"); st.Failure == nil || st.Failure.Code != "MGW-APP-108" {
		t.Errorf("status shows %+v", st.Failure)
	}
	if g.HasRoom(at("a", "/b", "2")) || !g.HasRoom(at("a", "/free", "2")) {
		t.Error("HasRoom does not say which places are free")
	}
	if err := errors.Join(deployAll(t, g, at("a", "/b", "2"), at("b", "/a", "2"))...); err != nil {
		t.Error(err)
	}
}

func TestARemovedOrStoppedAppLeavesItsPlace(t *testing.T) {
	g := testGateway(t, &stage{})
	deploy(t, g, at("a", "/", "1"))
	if err := g.Deploy(t.Context(), at("b", "/", "1"), "start"); !errors.Is(err, ErrPlaceTaken) {
		t.Errorf("a place that is taken: %v", err)
	}
	if w := get(g, "/x"); w.Body.String() != "a 1" {
		t.Errorf("answer %q", w.Body)
	}
	if err := g.Remove("a"); err != nil {
		t.Fatal(err)
	}
	deploy(t, g, at("b", "/", "1"))
	if w := get(g, "/x"); w.Body.String() != "b 1" {
		t.Errorf("answer %q", w.Body)
	}
}
