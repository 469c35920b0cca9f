package host

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// runDashboardHost runs a host with an app of files, and with further lines in its own file.
func runDashboardHost(t *testing.T, lines string) *Host {
	t.Helper()
	dir, err := os.MkdirTemp("", "dash")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, text := range map[string]string{
		"apps.hcl": `app "files" {
			static { dir = "." }
			reload { mode = "off" }
		}`,
		"host.hcl": "apps = [\"apps.hcl\"]\n" + strings.ReplaceAll(lines, "DIR", dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ready := make(chan struct{})
	h, err := New(Config{
		File: filepath.Join(dir, "host.hcl"), State: filepath.Join(dir, "state"), Control: modgw.Address("unix:" + filepath.Join(dir, "c")),
		Ready: func() { close(ready) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(context.Background()) }()
	t.Cleanup(func() {
		h.Shutdown()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := h.OpenDashboard(0); err == nil {
			t.Error("a host that has ended gives links")
		}
	})
	<-ready
	return h
}

// dashboardBrowser is a browser that has followed a link.
type dashboardBrowser struct {
	*testing.T
	http.Client
	page string // URL of the page with all apps
	text string // text of that page
}

func follow(t *testing.T, link control.DashboardLink) *dashboardBrowser {
	t.Helper()
	jar, _ := cookiejar.New(nil) // never fails
	b := &dashboardBrowser{T: t, Client: http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}}
	response, err := b.Get(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(text), "apps/files") {
		t.Fatalf("%s %v %s", response.Status, err, text)
	}
	b.page, b.text = response.Request.URL.String(), string(text)
	return b
}

// leave ends the session.
func (b *dashboardBrowser) leave() {
	b.Helper()
	form := regexp.MustCompile(`name="form" value="(\w+)"`).FindStringSubmatch(b.text)
	response, err := b.PostForm(b.page+"leave", url.Values{"form": form[1:]})
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatalf("%v, %v", response, err)
	}
	response.Body.Close()
}

func openLink(t *testing.T, h *Host) control.DashboardLink {
	t.Helper()
	link, err := h.OpenDashboard(0)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func TestDashboardListensWhileALinkIsOfUse(t *testing.T) {
	t.Parallel()
	h := runDashboardHost(t, "")
	first, second := openLink(t, h), openLink(t, h)
	if second.Address != first.Address || second.URL == first.URL || !first.Address.IsLoopback() {
		t.Errorf("%+v, then %+v", first, second)
	}
	follow(t, second).leave()
	h.dashboard.closeUnused() // the first link is not used yet
	browser := follow(t, first)
	h.dashboard.closeUnused() // there is a session
	browser.leave()
	h.dashboard.closeUnused()
	watchtest.Eventually(t, "nothing listens there", func() bool {
		c, err := net.Dial("tcp", first.Address.Target())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	follow(t, openLink(t, h))
}

func TestDashboardListensWhereTheHostFileSays(t *testing.T) {
	t.Parallel()
	h := runDashboardHost(t, `dashboard { address = "unix:DIR/d" }`)
	link := openLink(t, h)
	if link.Address.Network() != "unix" || link.URL != "" {
		t.Errorf("%+v", link)
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", link.Address.Target())
	}}
	response, err := (&http.Client{Transport: transport}).Get("http://localhost/apps/files")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || !strings.Contains(string(text), "static · serving") {
		t.Errorf("%s, %v: %s", response.Status, err, text)
	}
}
