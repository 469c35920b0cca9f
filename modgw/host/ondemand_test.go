package host

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// runTargets runs a host until the test ends, and returns when its apps are up.
func runTargets(t *testing.T, targets ...string) *Host {
	t.Helper()
	dir := t.TempDir()
	ready := make(chan struct{})
	h, err := New(Config{
		Targets: targets,
		State:   filepath.Join(dir, "state"),
		Control: modgw.Address("unix:" + filepath.Join(dir, "c")),
		Ready:   func() { close(ready) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(t.Context()) }()
	t.Cleanup(func() {
		h.Shutdown()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	return h
}

// onDemandApps writes a descriptor of static apps that wait for a request.
func onDemandApps(t *testing.T, dir string, count int) (descriptor string) {
	t.Helper()
	var text strings.Builder
	for i := range count {
		root := fmt.Sprintf("%s/%d", dir, i)
		err := errors.Join(os.Mkdir(root, 0o755), os.WriteFile(root+"/page.txt", []byte("page"), 0o644))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "app \"app%d\" {\n  mount = \"/%[1]d\"\n  root  = \"%[1]d\"\n", i)
		text.WriteString("  static { dir = \".\" }\n  reload { watch = [\"*.txt\"] }\n")
		text.WriteString("  idle { start = \"on-demand\" }\n}\n")
	}
	descriptor = filepath.Join(dir, "apps.hcl")
	if err := os.WriteFile(descriptor, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return descriptor
}

func TestAnAppIsWatchedFromItsFirstRequestOn(t *testing.T) {
	dir := t.TempDir()
	h := runTargets(t, onDemandApps(t, dir, 2))
	status := func(name modgw.AppName) (mode, reason string, generation int) {
		for _, app := range h.Status().Apps {
			if app.App == name {
				if app.Generation != nil {
					generation = app.Generation.Number
				}
				return app.Watch.Mode, app.Watch.Reason, generation
			}
		}
		t.Fatalf("no app %q", name)
		return "", "", 0
	}
	await := func(what string, reached func() bool) {
		t.Helper()
		for deadline := time.Now().Add(watchtest.Patience); !reached(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("never: %s", what)
			}
		}
	}
	if mode, reason, _ := status("app0"); mode != "off" || reason == "" {
		t.Errorf("before its first request the app is watched: %q, %q", mode, reason)
	}
	response := httptest.NewRecorder()
	h.ServeHTTP(response, httptest.NewRequest("GET", "/0/page.txt", nil))
	if response.Code != 200 || response.Body.String() != "page" {
		t.Fatalf("got %d %q", response.Code, response.Body)
	}
	await("the app is watched", func() bool { mode, _, _ := status("app0"); return mode == "inotify" })
	if err := os.WriteFile(dir+"/0/page.txt", []byte("new page"), 0o644); err != nil {
		t.Fatal(err)
	}
	await("the change makes a generation", func() bool { _, _, n := status("app0"); return n == 2 })
	if mode, _, _ := status("app1"); mode != "off" {
		t.Errorf("the app that got no request is watched: %q", mode)
	}
}

// goroutinesFor returns the number of goroutines of a host with the given number of waiting apps.
func goroutinesFor(t *testing.T, count int) (n int) {
	t.Run(fmt.Sprint(count), func(t *testing.T) {
		runTargets(t, onDemandApps(t, t.TempDir(), count))
		n = runtime.NumGoroutine()
	})
	return n
}

func TestAnAppThatWaitsCostsOneGoroutine(t *testing.T) {
	const few, many = 10, 110
	// The number of the host's own goroutines varies while it looks at its files; half a goroutine
	// per app allows for that.
	if grown := goroutinesFor(t, many) - goroutinesFor(t, few); grown > (many-few)*3/2 {
		t.Errorf("%d apps more are %d goroutines more", many-few, grown)
	}
}
