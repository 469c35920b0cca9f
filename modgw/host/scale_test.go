package host

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// TestWorkersFollowTheLoadAndWhatAnAdministratorSays uses requests that wait until a file exists,
// so that they occupy their workers.
func TestWorkersFollowTheLoadAndWhatAnAdministratorSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gate := filepath.Join(dir, "gate")
	app := `
import os, time

def application(environ, start_response):
    while environ["PATH_INFO"] == "/wait" and not os.path.exists("gate"):
        time.sleep(0.01)
    start_response("200 OK", [])
    return [b"page"]
`
	descriptor := filepath.Join(dir, "page.hcl")
	text := "app \"page\" {\n  wsgi {\n    entry   = \"app.py\"\n    threads = 1\n    workers = { min = 1, max = 3 }\n  }\n}\n" +
		"app \"files\" {\n  mount = \"/files\"\n  static { dir = \".\" }\n}\n"
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "app.py"), []byte(app), 0o600), os.WriteFile(descriptor, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	h := runTargets(t, descriptor)
	status := func() modgw.AppStatus {
		s, err := h.gateway.AppStatus("page")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	await := func(what string, reached func(modgw.AppStatus) bool) {
		t.Helper()
		for deadline := time.Now().Add(watchtest.Patience); !reached(status()); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("never: %s; %+v", what, status().Runner)
			}
		}
	}
	ready := func(n int) func(modgw.AppStatus) bool {
		return func(s modgw.AppStatus) bool {
			return len(s.Runner.Workers) == n && s.Runner.Wanted == n && s.Runner.Busy <= n
		}
	}
	if s := status(); s.Runner.Wanted != 1 || *s.Scale != (modgw.ScaleStatus{Scale: modgw.Scale{Min: 1, Max: 3}, Wanted: 1}) {
		t.Errorf("without load: %+v, %+v", s.Runner, s.Scale)
	}

	_, err := h.Scale("files", modgw.Scale{Min: 1, Max: 2})
	wantFault(t, err, "MGW-APP-114")

	var requests sync.WaitGroup
	for range 5 {
		requests.Go(func() {
			w := httptest.NewRecorder()
			h.gateway.ServeHTTP(w, httptest.NewRequest("GET", "/wait", nil))
			if w.Code != 200 {
				t.Errorf("a request was answered %d: %s", w.Code, w.Body)
			}
		})
	}
	await("three workers, and no more", func(s modgw.AppStatus) bool { return ready(3)(s) && s.Runner.Busy == 3 && s.Scale.Held == "max" })
	if d := h.Status().Apps[1].Diagnosis; d == nil || d.Cause != "all_busy" {
		t.Errorf("diagnosis %+v", d)
	}

	// An operator reduces the number. The workers that are removed finish their requests.
	scaled, err := h.Scale("page", modgw.Scale{Min: 1, Max: 1})
	if err != nil || !scaled.Manual || scaled.Wanted != 1 {
		t.Errorf("scaled to %+v, %v", scaled, err)
	}
	await("two workers drain", func(s modgw.AppStatus) bool {
		retiring := 0
		for _, w := range s.Runner.Workers {
			if w.State == "retiring" {
				retiring++
			}
		}
		return retiring == 2
	})
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	requests.Wait()
	await("one worker", ready(1))

	// The number remains in effect for the next generation, until the descriptor changes it.
	if err := h.Restart(t.Context(), "page"); err != nil {
		t.Fatal(err)
	}
	if s := status(); !s.Scale.Manual || s.Scale.Max != 1 || s.Generation.Number != 2 {
		t.Errorf("after a restart: %+v", s.Scale)
	}
	if err := os.WriteFile(descriptor, []byte("app \"page\" {\n  wsgi {\n    entry   = \"app.py\"\n    threads = 1\n    workers = 2\n  }\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Reload(t.Context(), "page"); err != nil {
		t.Fatal(err)
	}
	await("what the descriptor says", func(s modgw.AppStatus) bool { return !s.Scale.Manual && ready(2)(s) })
	if _, err := h.Scale("page", modgw.Scale{Min: 3, Max: 3}); err != nil {
		t.Fatal(err)
	}
	await("three by hand", ready(3))
	if scaled, err = h.Scale("page", modgw.Scale{}); err != nil || scaled.Manual {
		t.Errorf("reset to %+v, %v", scaled, err)
	}
	await("two again", ready(2))

	// A tenant's apps have a ceiling.
	d := h.reconciler("page").descriptor()
	d.Owner = "bob"
	h.reconciler("page").setDescriptor(d)
	tenant := modgw.Tenant{User: "bob"}
	tenant.Ceilings.Workers = 4
	h.mu.Lock()
	h.file.Tenants = []modgw.Tenant{tenant}
	h.mu.Unlock()
	if _, err = h.Scale("page", modgw.Scale{Min: 1, Max: 4}); err != nil {
		t.Error(err)
	}
	_, err = h.Scale("page", modgw.Scale{Min: 1, Max: 5})
	wantFault(t, err, "MGW-APP-115")
}

// wantFault fails the test unless err is the fault with a code.
func wantFault(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %s", code)
		return
	}
	faulttest.Want(t, err.Error(), code)
}
