package tests

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "write pictures of the dashboard to this folder, after a minute of requests")

// shownApp fails, is slow, or answers.
const shownApp = `
import time
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/fail"):
        raise RuntimeError("no such <b>page</b>")
    time.sleep({"/slow": 0.15, "/search": 0.04}.get(path, 0.004))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
`

// dashboardSite returns a host with three apps: one serves, one is broken and one waits.
func dashboardSite(t *testing.T) *site {
	s := newSite(t)
	s.write("apps/shop/modgw.hcl", `
		app "shop" {
		  wsgi {
		    entry   = "shop.py"
		    workers = 2
		    threads = 2
		  }
		  env = { SECRET_KEY = "value-of-the-key" }
		}
		app "wiki" {
		  mount = "/wiki"
		  wsgi { entry = "broken.py" }
		}
		app "intranet" {
		  mount = "/intranet"
		  wsgi { entry = "shop.py" }
		  idle { start = "on-demand" }
		}
		app "docs" {
		  mount = "/docs"
		  static { dir = "." }
		}
	`)
	s.write("apps/shop/shop.py", shownApp)
	s.write("apps/shop/broken.py", "def application(:\n")
	s.start()
	return s
}

// dashboardLink returns a link that gives a browser access to the dashboard.
func (s *site) dashboardLink() string {
	return strings.TrimSpace(s.mustRun("dashboard", "-c", s.path("modgw.hcl")))
}

// request sends a request to the app and ignores the answer.
func (s *site) request(path string) {
	if response, err := http.Get(s.url + path); err == nil {
		response.Body.Close()
	}
}

// keepBusy sends requests, while a generation replaces another, until stop is called.
func (s *site) keepBusy() (stop func()) {
	paths := []string{"/", "/", "/search", "/", "/slow", "/docs/shop.py"}
	ctx, cancel := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	sending.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			s.request(paths[i%len(paths)])
			if i%40 == 0 {
				s.request("/fail/7")
			}
			if i == 400 {
				s.write("apps/shop/shop.py", shownApp+"# changed\n")
			}
			time.Sleep(time.Duration(10+i%37) * time.Millisecond)
		}
	})
	return func() { cancel(); sending.Wait() }
}

// dashboardWidths are the widths of a phone and of a desktop screen.
var dashboardWidths = []int64{390, 1440}

func TestDashboardInABrowser(t *testing.T) {
	t.Parallel()
	s := dashboardSite(t)
	s.request("/")
	s.request("/fail/7")
	s.request("/slow")
	if *screenshots != "" {
		defer s.keepBusy()()
		time.Sleep(time.Minute)
	}
	browser := newBrowser(t)
	visit(t, browser, s.dashboardLink())
	home := evaluate[string](browser, "location.href")
	s.seesAllApps(browser)
	backgrounds := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		s.prefers(browser, scheme)
		backgrounds[evaluate[string](browser, "getComputedStyle(document.body).backgroundColor")] = true
		for _, path := range []string{"", "apps/shop"} {
			for _, width := range dashboardWidths {
				s.fits(browser, width, home+path)
				s.photograph(browser, fmt.Sprintf("%s-%s-%d.png", map[string]string{"": "apps", "apps/shop": "app"}[path], scheme, width))
			}
		}
	}
	s.followsTheApp(browser)
	if len(backgrounds) != 2 || backgrounds[""] {
		t.Errorf("the backgrounds are %v", backgrounds)
	}
}

// seesAllApps checks the page with all apps.
func (s *site) seesAllApps(browser context.Context) {
	s.t.Helper()
	text := ""
	s.eventually("the page shows all apps, and lives", func() bool {
		text = evaluate[string](browser, "document.body.innerText")
		return strings.Contains(text, "live") && strings.Contains(text, "broken.py")
	})
	for _, want := range []string{"shop", "wiki", "SyntaxError", "intranet", "waits for a request"} {
		if !strings.Contains(text, want) {
			s.t.Errorf("the page does not show %q: %s", want, text)
		}
	}
}

// prefers makes the browser's user prefer a colour scheme.
func (s *site) prefers(browser context.Context, scheme string) {
	s.t.Helper()
	_, err := chromedp.Call(browser, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// fits checks that a page is no wider than the screen, and that it has loaded only files of the
// host.
func (s *site) fits(browser context.Context, width int64, url string) {
	s.t.Helper()
	if _, err := chromedp.Run(browser, chromedp.EmulateViewport(width, 900)); err != nil {
		s.t.Fatal(err)
	}
	visit(s.t, browser, url)
	s.eventually("the page follows the host", func() bool { return evaluate[bool](browser, "document.querySelector('.live.on') !== null") })
	if strings.HasSuffix(url, "shop") {
		s.eventually("plots are drawn", func() bool { return evaluate[int](browser, "document.querySelectorAll('.uplot canvas').length") > 2 })
	}
	if wide := evaluate[int64](browser, "document.documentElement.scrollWidth"); wide > width {
		s.t.Errorf("%s is %d wide on a screen of %d", url, wide, width)
	}
	others := evaluate[string](browser, "performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin)).join()")
	if others != "" {
		s.t.Errorf("%s has loaded %s", url, others)
	}
}

// photograph writes a screenshot of the browser, if screenshots were requested.
func (s *site) photograph(browser context.Context, name string) {
	s.t.Helper()
	if *screenshots == "" {
		return
	}
	time.Sleep(500 * time.Millisecond) // animations have ended
	picture, err := chromedp.Run(browser, chromedp.CaptureScreenshot())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name), picture, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// followsTheApp checks an open page during events of the app, and restarts the app.
func (s *site) followsTheApp(browser context.Context) {
	s.t.Helper()
	shows := func(text string) {
		s.t.Helper()
		s.eventually("the page shows "+text, func() bool {
			return strings.Contains(evaluate[string](browser, "document.body.innerText"), text)
		})
	}
	shows("GET /slow")
	if evaluate[bool](browser, "document.documentElement.outerHTML.includes('value-of-the-key')") {
		s.t.Error("the page has a secret")
	}
	evaluate[int](browser, "window.sameDocument = 1")
	s.request("/fail/while-looking")
	shows("GET /fail/while-looking")
	if evaluate[int](browser, "window.sameDocument") != 1 {
		s.t.Error("the page was loaded again")
	}

	// A failed request has a page with its log.
	evaluate[any](browser, "document.querySelector('.records a').click()")
	shows("Where the time went")
	shows("no such <b>page</b>")
	evaluate[any](browser, "history.back()")
	shows("Restart")

	// An action asks for confirmation first.
	evaluate[any](browser, "[...document.querySelectorAll('.actions a')].find(a => a.textContent === 'Restart').click()")
	shows("Restart shop?")
	before := s.status("shop").Generation.Number
	evaluate[any](browser, "document.querySelector('main form button').click()")
	shows("Restart: done.")
	if after := s.status("shop").Generation.Number; after != before+1 {
		s.t.Errorf("generation %d after %d", after, before)
	}
}
