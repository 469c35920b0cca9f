package modgw

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
)

// inDevelopment makes the gateway's pages show the error.
func inDevelopment(c *Config) { c.Dev = true }

func TestRequestsThatNoAppAnswersAreExplained(t *testing.T) {
	g := testGateway(t, &stage{}, inDevelopment)
	d := descriptor("blog")
	d.Mount = "/blog"
	deploy(t, g, d)
	for code, info := range map[string]RequestInfo{
		"MGW-REQ-101": {App: "blog", Path: "/shop"},
		"MGW-REQ-102": {App: "shop", Path: "/blog/x"},
		"MGW-REQ-103": {Path: "/shop"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r.WithContext(WithRequestInfo(r.Context(), &info)))
		faulttest.Want(t, w.Body.String(), code)
	}
}

func TestRequestsThatAnAppCannotTakeAreExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, finish := make(chan struct{}), make(chan struct{})
		var log watchtest.Log
		s := &stage{starting: func(context.Context) { close(began); <-finish }}
		g := testGateway(t, s, inDevelopment, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		d := descriptor("hello")
		d.Queue = Queue{Max: 1, Timeout: 2 * time.Second}
		var all sync.WaitGroup
		all.Go(func() { deploy(t, g, d) })
		<-began

		gone, leave := context.WithCancel(t.Context())
		all.Go(func() {
			g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, "GET", "/", nil))
		})
		waiting := func() bool { status, _ := g.AppStatus("blog"); return status.Waiting == 1 }
		waitFor(t, waiting)
		faulttest.Want(t, get(g, "/").Body.String(), "MGW-APP-102")
		leave()
		waitFor(t, func() bool { return !waiting() })
		faulttest.Want(t, get(g, "/").Body.String(), "MGW-APP-104")
		close(finish)
		all.Wait()
		faulttest.Want(t, log.String(), "MGW-APP-103")

		if err := g.Stop(t.Context(), "blog"); err != nil {
			t.Fatal(err)
		}
		faulttest.Want(t, get(g, "/").Body.String(), "MGW-APP-101")
		s.starting = nil
		deploy(t, g, d)
		if w := get(g, "/"); w.Body.String() != "hello" {
			t.Errorf("after the fix: %q", w.Body)
		}
	})
}

func TestRedirectsOfProgramsThatLeadNowhereAreExplained(t *testing.T) {
	target := "/again"
	g := testGateway(t, &stage{serve: func(w http.ResponseWriter, r *http.Request) {
		RequestInfoOf(r).Redirect(w, r, target)
	}}, inDevelopment)
	deploy(t, g, descriptor(""))
	faulttest.Want(t, get(g, "/").Body.String(), "MGW-REQ-105")
	for _, target = range []string{"/%zz", "/\x01"} {
		faulttest.Want(t, get(g, "/").Body.String(), "MGW-REQ-104")
	}
}

func TestFilesThatAnAppMayNotSendAreExplained(t *testing.T) {
	var named string
	g := testGateway(t, &stage{serve: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Sendfile", named)
	}}, inDevelopment)
	d := descriptor("")
	d.Root = t.TempDir()
	d.Sendfiles = []Sendfile{{Path: "/protected", Dir: d.Root}}
	deploy(t, g, d)
	for _, named = range []string{"/etc/passwd", "none.pdf"} {
		faulttest.Want(t, get(g, "/").Body.String(), "MGW-REQ-107")
	}
}

func TestDeploysThatFailAreExplained(t *testing.T) {
	g := testGateway(t, &stage{}, inDevelopment)
	none := descriptor("x")
	none.Kind = KindCGI
	wantDeployFault(t, g, none, "MGW-APP-107")
	if err := g.Rollback(t.Context(), "nobody"); err == nil {
		t.Error("an app that is not there was rolled back")
	} else {
		faulttest.Want(t, err.Error(), "MGW-APP-109")
	}
	first := at("first", "/", "one")
	deploy(t, g, first)
	if err := g.Rollback(t.Context(), "first"); err == nil {
		t.Error("the only generation was rolled back")
	} else {
		faulttest.Want(t, err.Error(), "MGW-APP-105")
	}
	wantDeployFault(t, g, at("second", "/", "one"), "MGW-APP-108")

	strange := at("strange", "/strange", "one")
	strange.User = "no-such-user"
	wantDeployFault(t, g, strange, "MGW-APP-111")

	sick := at("sick", "/sick", "one")
	sick.Health = Health{Path: "/health", Timeout: time.Second}
	ill := testGateway(t, &stage{serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }})
	wantDeployFault(t, ill, sick, "MGW-APP-110")
}

func wantDeployFault(t *testing.T, g *Gateway, d Descriptor, code string) {
	t.Helper()
	err := g.Deploy(t.Context(), d, "test")
	if err == nil || !strings.HasPrefix(err.Error(), "cannot ") {
		t.Fatalf("Deploy = %v, want %s", err, code)
	}
	faulttest.Want(t, err.Error(), code)
}

func TestAGuardThatNobodyKeepsIsExplained(t *testing.T) {
	g := testGateway(t, &stage{}, inDevelopment)
	deploy(t, g, descriptor("open"))
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r.WithContext(WithRequestInfo(r.Context(), &RequestInfo{Path: "/", Authorizer: true})))
	faulttest.Want(t, w.Body.String(), "MGW-REQ-106")
}
