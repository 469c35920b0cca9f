package contest

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The sites whose code is changed under load.
var (
	Ledger     = Site{"ledger", WSGI, "ledger_site:application"}
	LedgerASGI = Site{"ledger", ASGI, "ledger_site:asgi"}
)

// LedgerLength is the length of the ledger site's page, which contains its version.
const LedgerLength = int64(len("version=0000"))

// Page returns the page of a version.
func Page(version int) string { return fmt.Sprintf("version=%04d", version) }

// Reloader is a contestant in one of its ways to load changed code.
type Reloader struct {
	Contestant
	Site    Site           // the app that is served
	Front   Front          // the server that the client connects to
	Workers func(int) bool // reports whether it supports a number of workers; nil: any
	reload  func(*Running) error
}

// Reloaders returns all reloaders, modgw first.
func Reloaders() []Reloader {
	ours := modgw
	ours.missing = nil
	behind := ours
	behind.Name = Ours + " behind Apache"
	several := func(n int) bool { return n > 1 }
	return []Reloader{
		{Contestant: ours, Site: Ledger, Front: Direct},
		{Contestant: behind, Site: Ledger, Front: Apache},
		{Contestant: named(gunicornThreads, "gunicorn, HUP"), Site: Ledger, Front: Direct, reload: hangUp},
		{Contestant: withWords(uWSGI, "uWSGI, touch", "--touch-reload", "reload"), Site: Ledger, Front: Direct, reload: touch},
		{
			Contestant: withWords(uWSGI, "uWSGI, chain", "--lazy-apps", "--touch-chain-reload", "reload"),
			Site:       Ledger, Front: Direct, Workers: several, reload: touch,
		},
		{Contestant: named(modWSGIDaemon, "mod_wsgi, touch"), Site: Ledger, Front: Apache, reload: touchScript},
		{
			Contestant: withWords(uvicorn, "uvicorn --reload", "--reload"),
			Site:       LedgerASGI, Front: Direct, Workers: func(n int) bool { return n == 1 },
		},
		{Contestant: named(uvicorn, "uvicorn, HUP"), Site: LedgerASGI, Front: Direct, Workers: several, reload: hangUp},
		{Contestant: withWords(granian, "Granian --reload", "--reload"), Site: Ledger, Front: Direct},
	}
}

func named(c Contestant, name string) Contestant {
	c.Name = name
	return c
}

// withWords adds words to a command, right after the program.
func withWords(c Contestant, name string, words ...string) Contestant {
	launch := c.launch
	c.launch = func(k *Kit, s Setting, p Place) (Launch, error) {
		l, err := launch(k, s, p)
		if err == nil {
			l.Command = slices.Concat(l.Command[:1], words, l.Command[1:])
		}
		return l, err
	}
	return named(c, name)
}

// hangUp sends SIGHUP to the first process, as an administrator would. If broken code has ended the
// process, there is none to signal; the clients' results show that.
func hangUp(r *Running) error {
	if err := syscall.Kill(r.started[0].pid, syscall.SIGHUP); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

func touch(r *Running) error { return os.WriteFile(filepath.Join(r.Dir, "reload"), nil, 0o644) }

func touchScript(r *Running) error {
	return os.WriteFile(filepath.Join(r.Dir, "bench.wsgi"), []byte(importing(r.setting.Site)), 0o644)
}

// Reload saves code and makes the contestant load it.
func (r Reloader) Reload(running *Running, code string) error {
	if err := save(filepath.Join(running.Dir, "page.py"), code); err != nil {
		return err
	}
	return r.tell(running)
}

// Save saves the code of a version.
func Save(running *Running, version int) error {
	return save(filepath.Join(running.Dir, "page.py"), Code(version))
}

func (r Reloader) tell(running *Running) error {
	if r.reload == nil {
		return nil
	}
	return r.reload(running)
}

// Code returns the code of a version. Each version has a different size: some reloaders, and
// Python's bytecode cache, would not notice a change of the same size within a second.
func Code(version int) string {
	return fmt.Sprintf("VERSION = %d\n# %s\n", version, strings.Repeat("#", version))
}

// Broken is code that cannot be loaded.
const Broken = "VERSION = (\n"

// save saves a file the way editors do.
func save(file, text string) error {
	if err := os.WriteFile(file+"~", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(file+"~", file)
}

// Depend writes a version of the package, and the requirements.txt that makes modgw install it.
func Depend(dir string, version int) (wheel string, err error) {
	wheel = filepath.Join(dir, fmt.Sprintf("dependency-%d-py3-none-any.whl", version))
	if err := writeWheel(wheel, version); err != nil {
		return "", err
	}
	return wheel, save(filepath.Join(dir, "requirements.txt"), "dependency @ file://"+wheel+"\n")
}

// ChangeDependency publishes a new version of a package. modgw detects and installs it by itself;
// for the others, ChangeDependency installs it and reloads them.
func (r Reloader) ChangeDependency(ctx context.Context, running *Running, version int) error {
	wheel, err := Depend(running.Dir, version)
	if err != nil || running.setting.requires(r.Contestant) {
		return err
	}
	if err := running.kit.installInto(ctx, running.Dir, wheel); err != nil {
		return err
	}
	// Reloaders that watch the app's own files see this.
	return r.Reload(running, Code(version))
}

// Ours reports whether the contestant is modgw, which installs an app's requirements by itself.
func (r Reloader) Ours() bool { return strings.HasPrefix(r.Name, Ours) }

// requires reports whether the contestant itself installs the requirements of the app.
func (s Setting) requires(c Contestant) bool { return s.Dependency && strings.HasPrefix(c.Name, Ours) }

func (k *Kit) installInto(ctx context.Context, dir, wheel string) error {
	return k.run(ctx, k.python(), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--upgrade", "--target", dir, wheel)
}

func writeWheel(file string, version int) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	info := fmt.Sprintf("dependency-%d.dist-info/", version)
	files := map[string]string{
		"dependency.py":   fmt.Sprintf("VERSION = %d\n", version),
		info + "METADATA": fmt.Sprintf("Metadata-Version: 2.1\nName: dependency\nVersion: %d\n", version),
		info + "WHEEL":    "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD":   fmt.Sprintf("dependency.py,,\n%[1]sMETADATA,,\n%[1]sWHEEL,,\n%[1]sRECORD,,\n", info),
	}
	archive := zip.NewWriter(out)
	for name, text := range maps.All(files) {
		w, err := archive.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			return errors.Join(err, out.Close())
		}
	}
	return errors.Join(archive.Close(), out.Close())
}

// KillWorker kills one of the processes that run the app.
func (r *Running) KillWorker() error {
	for _, p := range r.processes() {
		if p.role() == WorkerRole && p.pid != r.started[0].pid && p.runsApp() {
			return syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
	return errors.New("cannot find a worker to kill")
}

// runsApp reports whether a worker serves requests. Helpers that start other workers do not.
func (p process) runsApp() bool {
	for _, helper := range []string{"--template", "resource_tracker"} {
		if strings.Contains(p.words, helper) {
			return false
		}
	}
	return true
}

// Await requests a page, on a new connection each time, until the page is as wanted. It returns
// false if ctx is done first.
func (r *Running) Await(ctx context.Context, want string, each time.Duration) bool {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		if ask(ctx, &client, "http://"+r.Address+"/") == want {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(each):
		}
	}
}

// ask returns the page, or "" if there is none.
func ask(ctx context.Context, client *http.Client, url string) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	response, err := client.Do(request)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body) // an incomplete page differs from the expected one
	return string(body)
}
