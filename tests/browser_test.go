package tests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/modgw/modgw/internal/fronttest"
)

// chromium is the browser that opens pages in tests.
var chromium browserProcess

// browserProcess is a Chromium with its own profile, which starts when a test needs it.
type browserProcess struct {
	start  sync.Once
	page   context.Context // the first one
	err    error
	dir    string
	cancel context.CancelFunc
}

func (b *browserProcess) run(program string) {
	if b.dir, b.err = os.MkdirTemp("", "browser"); b.err != nil {
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(filepath.Join(b.dir, "profile")),
		chromedp.Env("TMPDIR="+b.dir), // it leaves a folder there
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	b.page, _ = chromedp.NewContext(allocator)
	b.cancel = func() {
		_ = chromedp.Cancel(b.page)
		cancel()
	}
	_, b.err = chromedp.Run(b.page, chromedp.Navigate("about:blank"))
}

// end ends it, if it was started.
func (b *browserProcess) end() {
	if b.cancel != nil {
		b.cancel()
	}
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

// newBrowser opens a page for the test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("cannot find chromium: scripts/setup test installs it")
		}
		t.Skip("no chromium here")
	}
	chromium.start.Do(func() { chromium.run(program) })
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	ctx, cancel := chromedp.NewContext(chromium.page)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func visit(t *testing.T, browser context.Context, url string) {
	t.Helper()
	if _, err := chromedp.Run(browser, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
}

// evaluate returns the value of a JavaScript expression in the page. While a page is loading, the
// value is the zero value.
func evaluate[V any](browser context.Context, expression string) V {
	value, _ := chromedp.Run(browser, chromedp.Evaluate[V](expression))
	return value
}

func TestOpenPageFollowsTheCode(t *testing.T) {
	t.Parallel()
	s := develop(t)
	browser := newBrowser(t)
	visit(t, browser, s.url+"/")
	shows := func(text string) {
		t.Helper()
		s.eventually("the page shows "+text, func() bool {
			return strings.Contains(evaluate[string](browser, "document.body.innerText"), text)
		})
	}
	colour := func(want string) {
		t.Helper()
		s.eventually("the heading is "+want, func() bool {
			return evaluate[string](browser, "getComputedStyle(document.querySelector('h1')).color") == want
		})
	}
	shows("one")
	colour("rgb(1, 2, 3)")

	// Code: the page is loaded again by itself.
	s.write("blog/app.py", fmt.Sprintf(devApp, "two"))
	shows("two")

	// Style sheets: they are replaced, and the page is not reloaded.
	evaluate[int](browser, "window.sameDocument = 1")
	s.write("blog/static/site.css", "h1 { color: rgb(9, 8, 7) }\n")
	colour("rgb(9, 8, 7)")
	if evaluate[int](browser, "window.sameDocument") != 1 {
		t.Error("the page was loaded again for a style sheet")
	}

	// Broken code: the page becomes the error page, whose link leads to the version that still
	// works.
	s.write("blog/app.py", "def application(:\n")
	shows("SyntaxError")
	evaluate[any](browser, "document.querySelector('a.still').click()")
	shows("two")

	// Fixed code: the page that shows the old version follows, too.
	s.write("blog/app.py", fmt.Sprintf(devApp, "three"))
	shows("three")
}

func TestErrorPageIsForLightAndDark(t *testing.T) {
	t.Parallel()
	s := develop(t)
	browser := newBrowser(t)
	background := func(scheme string) string {
		t.Helper()
		s.prefers(browser, scheme)
		visit(t, browser, s.url+"/fail")
		if evaluate[bool](browser, "document.getElementById('copy').hidden") {
			t.Error("there is no button to copy the traceback")
		}
		return evaluate[string](browser, "getComputedStyle(document.body).backgroundColor")
	}
	if a, b := background("dark"), background("light"); a == b || a == "" || b == "" {
		t.Errorf("the background is %q in the dark and %q in the light", a, b)
	}
}

func TestOpenPageFollowsAHostThatWasStartedAnew(t *testing.T) {
	t.Parallel()
	s := newProject(t)
	address := fmt.Sprintf("http=127.0.0.1:%d", fronttest.FreePort(t))
	start := func(s *site) {
		s.url = s.spawnUntil(urlLine, nil, "dev", "blog", "--listen", address, "--state", s.path("state"))
	}
	start(s)
	browser := newBrowser(t)
	visit(t, browser, s.url+"/")
	shows := func(text string) {
		t.Helper()
		s.eventually("the page shows "+text, func() bool {
			return strings.Contains(evaluate[string](browser, "document.body.innerText"), text)
		})
	}
	shows("one")
	if err := syscall.Kill(s.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.eventually("the host has ended", func() bool { return syscall.Kill(s.pid, 0) != nil })
	s.write("blog/app.py", fmt.Sprintf(devApp, "two"))
	start(&site{t: t, dir: s.dir, log: &output{}})
	shows("two")
}
