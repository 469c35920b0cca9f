package tests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/wheeltest"
)

// wholeApp answers with the version in its files. It does not start unless the files are complete
// and have the same version.
const wholeApp = `
import parts, sys
if parts.VERSION != VERSION or not parts.END:
    raise RuntimeError("half of a version: %s and %s" % (VERSION, parts.VERSION))

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [VERSION.encode()]
`

// partsOfApp is a parts.py with the version of app.py.
const partsOfApp = `
END = True
VERSION = open(__file__.replace("parts", "app")).readline().split('"')[1]
`

// app is a site with one app at /, in apps/blog.
type app struct {
	*site
	root string
}

// newApp writes version "one" of the app into root, a path below the site's folder, and starts the
// host.
func newApp(t *testing.T, root string, environ ...string) *app {
	a := prepareApp(t, root)
	a.start(environ...)
	a.shows("one")
	return a
}

// prepareApp writes an app with further settings.
func prepareApp(t *testing.T, root string, settings ...string) *app {
	t.Helper()
	a := &app{newSite(t), root}
	a.write("apps/blog/modgw.hcl", `
		app "blog" {
		  root = "`+a.path(root)+`"
		  wsgi {
		    entry   = "app.py"
		    workers = 1
		  }
		  `+strings.Join(settings, "\n")+`
		}
	`)
	a.version(root, "one")
	return a
}

// code returns the content of the app's two files in a version.
func code(version string) map[string]string {
	return map[string]string{
		"app.py":   fmt.Sprintf("VERSION = %q\n", version) + wholeApp,
		"parts.py": fmt.Sprintf("VERSION = %q\nEND = True\n", version),
	}
}

// version writes a version of the app into a folder below the site's.
func (a *app) version(dir, version string) {
	a.t.Helper()
	for name, text := range code(version) {
		a.write(filepath.Join(dir, name), text)
	}
}

// shows waits until the app answers with the text, and fails if it ever answers with anything but
// 200.
func (a *app) shows(text string) {
	a.t.Helper()
	a.eventually("the page shows "+text, func() bool {
		status, body := a.get("/")
		if status != 200 {
			a.t.Fatalf("status %d: %s", status, body)
		}
		return body == text
	})
}

var generationLine = regexp.MustCompile(`generation ready generation=(\d+) cause="?([^"\n]*?)"? took=`)

// generations returns the causes of all generations, beginning with generation 1. It fails the test
// if a deploy has failed.
func (a *app) generations() []string {
	a.t.Helper()
	log := a.log.String()
	if strings.Contains(log, "generation not started") {
		a.t.Fatal("a deploy failed")
	}
	var causes []string
	for _, match := range generationLine.FindAllStringSubmatch(log, -1) {
		causes = append(causes, match[2])
	}
	return causes
}

// oneReload performs an action after which the app must answer with the text, from the next
// generation.
func (a *app) oneReload(text string, do func()) {
	a.t.Helper()
	before := len(a.generations())
	do()
	a.shows(text)
	a.probe()
	if now := a.generations(); len(now) != before+2 {
		a.t.Errorf("not one generation was made: %q", now[before:])
	}
}

// probe changes a file and waits for the generation that the change causes. By then all earlier
// changes have been noticed.
func (a *app) probe() {
	a.t.Helper()
	probes := func() (n int) {
		for _, cause := range a.generations() {
			if strings.Contains(cause, "probe.py") {
				n++
			}
		}
		return n
	}
	before := probes() // the log may not have the generation yet that the last page came from
	a.write(filepath.Join(a.root, "probe.py"), fmt.Sprintf("# %d\n", time.Now().UnixNano()))
	a.eventually("a generation has what was saved", func() bool { return probes() > before })
}

func (a *app) sh(script string, args ...string) {
	a.t.Helper()
	cmd := exec.Command("sh", append([]string{"-e", "-c", script, "sh"}, args...)...)
	cmd.Dir = a.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		a.t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(program + " is not installed")
	}
}

func TestF23AHalfWrittenFileIsNeverLoaded(t *testing.T) {
	t.Parallel()
	a := newApp(t, "apps/blog")
	a.oneReload("two", func() {
		for name, text := range code("two") {
			file, err := os.Create(a.path("apps/blog/" + name))
			if err != nil {
				t.Fatal(err)
			}
			for _, half := range []string{text[:len(text)/2], text[len(text)/2:]} {
				if _, err := file.WriteString(half); err != nil {
					t.Fatal(err)
				}
				pause(t, 300*time.Millisecond) // between two writes, the subject of this test
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func pause(t *testing.T, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func TestF24EveryEditorsWayToSaveIsOneReload(t *testing.T) {
	t.Parallel()
	a := prepareApp(t, "apps/blog")
	a.write("apps/blog/parts.py", partsOfApp)
	a.start()
	saves := map[string]string{
		"vim":       `: > .app.py.swp; : > 4913; rm 4913; mv app.py app.py~; cat new > app.py; rm app.py~ .app.py.swp`,
		"emacs":     `ln -s me@host.1:2 .#app.py; cp app.py app.py~; cat new > app.py; rm .#app.py`,
		"VS Code":   `cp new app.py.tmp; mv app.py.tmp app.py`,
		"sed":       `sed -i 's/^VERSION = .*/VERSION = "'"$1"'"/' app.py`,
		"JetBrains": `cp new app.py___jb_tmp___; mv app.py app.py___jb_old___; mv app.py___jb_tmp___ app.py; rm app.py___jb_old___`,
	}
	number := 0
	for editor, script := range saves {
		number++
		version := fmt.Sprintf("save-%d", number)
		a.write("apps/blog/new", code(version)["app.py"])
		t.Log(editor)
		a.oneReload(version, func() { a.sh("cd apps/blog; "+script, version) })
	}
}

func TestF25ACheckoutOfManyFilesIsOneReload(t *testing.T) {
	t.Parallel()
	needs(t, "git")
	a := prepareApp(t, "apps/blog/src")
	const count = 1500
	many := func(version string) {
		for i := range count {
			name := fmt.Sprintf("apps/blog/src/pkg%d/mod%d.py", i%50, i)
			if err := os.MkdirAll(filepath.Dir(a.path(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(a.path(name), []byte("VERSION = "+version), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	git := `cd apps/blog; git -c user.name=t -c user.email=t@example.com `
	many("1")
	a.sh(git + `init -q -b one`)
	a.sh(git + `add -A`)
	a.sh(git + `commit -qm one`)
	a.sh(git + `checkout -qb two`)
	many("2")
	a.version("apps/blog/src", "two")
	a.sh(git + `commit -qam two`)
	a.sh(git + `checkout -q one`)
	a.start()
	a.shows("one")
	a.oneReload("two", func() { a.sh(git + `checkout -q two`) })
}

func TestF25ASlowCopyOfManyFilesIsOneReload(t *testing.T) {
	t.Parallel()
	// On a machine that has much to do, the pauses below are longer than they should be.
	a := prepareApp(t, "apps/blog", `reload { settle = "1s" }`)
	a.start()
	a.shows("one")
	a.oneReload("two", func() {
		// Longer than max_settle, and never at rest.
		a.write("apps/blog/app.py", code("two")["app.py"])
		for i := range 100 {
			a.write(fmt.Sprintf("apps/blog/many/mod%d.py", i), "VERSION = 2")
			pause(t, 25*time.Millisecond)
		}
		a.write("apps/blog/parts.py", code("two")["parts.py"])
	})
}

func TestF25RsyncIsOneReload(t *testing.T) {
	t.Parallel()
	needs(t, "rsync")
	a := newApp(t, "apps/blog")
	a.version("next", "two")
	a.write("next/parts.py", code("two")["parts.py"]+strings.Repeat("# a long file\n", 100_000))
	a.oneReload("two", func() { a.sh(`rsync -r --checksum --bwlimit=800 next/ apps/blog/`) })
}

func TestF25PipInTheAppsFolderIsOneReload(t *testing.T) {
	t.Parallel()
	a := newApp(t, "apps/blog")
	wheels := fronttest.Dir(t)
	install := []string{"-m", "pip", "install", "--no-index", "--find-links", wheels, "--target", a.path("apps/blog/lib")}
	for i := range 5 {
		name := fmt.Sprint("greeting", i)
		wheeltest.Write(t, wheels, wheeltest.Package{Name: name, Version: "1.0"})
		install = append(install, name)
	}
	a.oneReload("one", func() {
		cmd := exec.Command("python3", install...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("pip does not work here: %v\n%s", err, out)
		}
		a.eventually("a generation has the packages", func() bool { return len(a.generations()) > 1 })
	})
}

func TestF26AFlippedLinkIsFollowedWhereverItIsInThePath(t *testing.T) {
	t.Parallel()
	a := prepareApp(t, "current/web/app")
	a.sh(`mkdir releases; mv current releases/1; ln -s releases/1 current`)
	a.start()
	a.shows("one")
	a.version("releases/2/web/app", "two")
	a.oneReload("two", func() { a.sh(`ln -s releases/2 next; mv -T next current`) })
	a.version("releases/3/web/app", "three")
	a.oneReload("three", func() { a.sh(`ln -sfn releases/3 current`) })
	// The part of the path above the link is replaced.
	a.version("other/web/app", "four")
	a.oneReload("four", func() { a.sh(`mv releases old; mkdir releases; mv other releases/3`) })
	a.oneReload("five", func() { a.version("releases/3/web/app", "five") })
}

func TestF27AMissingFolderIsWaitedFor(t *testing.T) {
	t.Parallel()
	a := newApp(t, "srv/blog")
	for _, restored := range []struct{ version, away, back string }{
		{"one", `mv srv/blog away`, `mv away srv/blog`},
		{"two", `rm -rf srv`, `mkdir srv; cp -r next2 srv/blog`},
		{"three", `mv srv gone`, `mkdir srv; cp -r next3 srv/blog`},
	} {
		a.version("next2", "two")
		a.version("next3", "three")
		before := len(a.generations())
		_, was := a.get("/")
		a.sh(restored.away)
		a.eventually("the status is degraded", func() bool {
			return strings.Contains(a.status("blog").Watch.Degraded, a.path("srv/blog")+" is missing")
		})
		a.shows(was)
		a.sh(restored.back)
		a.eventually("a new generation serves", func() bool { return len(a.generations()) > before })
		a.shows(restored.version)
		if d := a.status("blog").Watch.Degraded; d != "" {
			t.Errorf("still degraded: %s", d)
		}
	}
	a.oneReload("four", func() { a.version("srv/blog", "four") })
	if folders := a.status("blog").Watch.Folders; !slices.Contains(folders, a.path("srv/blog")) || !slices.Contains(folders, a.path("srv")) {
		t.Errorf("watched: %q", folders)
	}
}

func TestF32SavingWithoutEndMakesFewGenerationsAndEndsWithTheLast(t *testing.T) {
	t.Parallel()
	a := prepareApp(t, "apps/blog")
	// Each file is a separate version: the app may start while the next file is saved.
	a.write("apps/blog/parts.py", "END = True\nclass Any:\n    __ne__ = lambda self, other: False\nVERSION = Any()\n")
	a.start()
	watching, stop := context.WithCancel(t.Context())
	most := make(chan int, 1)
	go func() { most <- a.mostWorkers(watching) }()
	defer func() {
		stop()
		if n := <-most; n > 4 {
			t.Errorf("%d workers were alive at once: more than two generations, a candidate and one that is ending", n)
		}
	}()
	const saves = 80
	for i := range saves {
		a.write("apps/blog/app.py", code(fmt.Sprint("save-", i))["app.py"])
		pause(t, 100*time.Millisecond)
	}
	a.shows(fmt.Sprint("save-", saves-1))
	t.Logf("%d saves made %d generations", saves, len(a.generations()))
}

// mostWorkers returns the largest number of processes that ran the app's code at the same time.
func (a *app) mostWorkers(ctx context.Context) int {
	most := 0
	for {
		workers := 0
		for _, pid := range descendants(a.pid) {
			line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if err == nil && strings.Contains(string(line), "python") {
				workers++
			}
		}
		most = max(most, workers)
		select {
		case <-ctx.Done():
			return most
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestF34WithoutInotifyTheHostPollsUntilItIsThere(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ limit, few string }{{"max_inotify_instances", "0"}, {"max_inotify_watches", "2"}} {
		t.Run(test.limit, func(t *testing.T) {
			t.Parallel()
			// Limits that are this host's alone.
			if out, err := exec.Command("unshare", "-Ur", "true").CombinedOutput(); err != nil {
				t.Skipf("limits cannot be set here: %v %s", err, out)
			}
			a := prepareApp(t, "apps/blog")
			a.within = []string{"unshare", "-Ur", "sh", "-c", "echo " + test.few + " > /proc/sys/user/" + test.limit + `; exec "$@"`, "sh"}
			a.start()
			a.shows("one")
			if w := a.status("blog").Watch; w.Mode != "poll" || w.Reason == "" {
				t.Errorf("watched by %s: %s", w.Mode, w.Reason)
			}
			if n := strings.Count(a.log.String(), "MGW-RLD-002"); n != 1 {
				t.Errorf("the log says it %d times", n)
			}
			a.oneReload("two", func() { a.version("apps/blog", "two") })
			a.sh(`nsenter -t "$1" -U --preserve-credentials sh -c "echo 10000 > /proc/sys/user/$2"`, strconv.Itoa(a.pid), test.limit)
			a.mustRun("reload", "blog", "-c", "modgw.hcl")
			a.eventually("events are used", func() bool { return a.status("blog").Watch.Mode == "inotify" })
			a.oneReload("three", func() { a.version("apps/blog", "three") })
		})
	}
}

func TestF35TimesThatSayNothingHideNoChange(t *testing.T) {
	t.Parallel()
	a := prepareApp(t, "apps/blog")
	a.write("apps/blog/parts.py", partsOfApp)
	a.start()
	a.shows("one")
	for version, when := range map[string]string{"two": "2 days ago", "six": "2 days", "ten": "same"} {
		a.write("apps/blog/new", code(version)["app.py"]) // all of one size
		a.oneReload(version, func() {
			a.sh(`cd apps/blog; touch -r app.py was; cat new > app.py; if [ "$1" = same ]; then touch -r was app.py; else touch -d "$1" app.py; fi`, when)
		})
	}
}
