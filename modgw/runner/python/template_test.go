package python

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

// withTemplate starts an app twice: the second generation, which it returns, is forked from the
// template that the first one led to.
func withTemplate(t *testing.T, source string, change ...func(*modgw.Descriptor)) *app {
	t.Helper()
	first := prepare(t, source, change...)
	templates := new(zygote.Set)
	templates.Delay = time.Millisecond
	first.runner.files.Zygotes = templates
	if err := first.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.awaitTemplate()
	second := first.again()
	if err := second.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.runner.Stop(t.Context())
	first.log.Reset()
	second.listen()
	return second
}

// again makes the next generation of an app.
func (a *app) again() *app {
	a.Helper()
	config := a.runner.app.RunnerConfig
	config.Generation++
	runner, err := New(config, a.runner.files)
	if err != nil {
		a.Fatal(err)
	}
	return &app{T: a.T, runner: runner, log: a.log, root: a.root}
}

func (a *app) awaitTemplate() {
	a.Helper()
	a.eventually("template", func() bool {
		if a.log.Count("template given up") > 0 {
			a.Fatal("the template was given up")
		}
		if a.log.Count("no template for this app") > 0 {
			a.runner.Stop(a.Context())
			a.Skip("this interpreter has no template")
		}
		return a.runner.zygote.Pick() != nil
	})
}

func TestForkedWorkerServes(t *testing.T) {
	t.Parallel()
	a := withTemplate(t, "import json, decimal, email.message\n"+hello)
	if got := a.get("/"); got.body != "Hello, World!" {
		t.Fatalf("got %d %q", got.status, got.body)
	}
	for _, w := range a.tracked() {
		if w.parent == nil {
			t.Error("a worker was not forked")
		}
	}
}

const stateOfProcess = gates + `
import gc, json, locale, logging, resource, warnings, faulthandler, random, email.message
def descriptors():
    found = {}
    for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            found[fd] = os.readlink("/proc/self/fd/%d" % fd).partition(":")[0], os.get_inheritable(fd)
        except OSError:
            pass
    return found
def title():
    with open("/proc/self/cmdline") as f:
        return [word for word in f.read().split("\0") if word and not word.startswith("gen=")]
STATE = {
    "sys.path": sys.path, "sys.argv": sys.argv, "cwd": os.getcwd(), "environ": dict(os.environ),
    "meta_path": [str(finder)[:20] for finder in sys.meta_path if "modgw" not in str(finder)],
    "signals": [str(signal.getsignal(n)).partition(" at ")[0] for n in signal.valid_signals()],
    "mask": str(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "locale": locale.setlocale(locale.LC_ALL), "encoding": [sys.stdout.encoding, sys.stderr.errors, sys.getfilesystemencoding()],
    "buffering": [sys.stdout.line_buffering, sys.stderr.line_buffering],
    "warnings": repr(warnings.filters), "log": [logging.root.level, repr(logging.root.handlers)],
    "umask": os.umask(0o022), "ids": [os.getresuid(), os.getresgid(), os.getgroups()], "leader": os.getpgrp() == os.getpid(),
    "limits": [resource.getrlimit(n) for n in range(16)], "nice": os.getpriority(os.PRIO_PROCESS, 0),
    "oom": open("/proc/self/oom_score_adj").read(), "threads": len(os.listdir("/proc/self/task")),
    "main": sorted(vars(sys.modules["__main__"])), "gc": [gc.isenabled(), gc.get_threshold()],
    "flags": str(sys.flags), "faulthandler": faulthandler.is_enabled(), "descriptors": descriptors(),
    "orig_argv": [word for word in getattr(sys, "orig_argv", []) if not word.startswith("gen=")], "title": title(),
    "recursion": sys.getrecursionlimit(), "hooks": [sys.excepthook is sys.__excepthook__, sys.gettrace()],
}
RANDOM = random.random()
def application(environ, start_response):
    if environ["PATH_INFO"] == "/random":
        return ok(start_response, str(RANDOM))
    if environ["PATH_INFO"] == "/modules":
        return ok(start_response, "\n".join(sorted(
            name for name in sys.modules if not name.startswith("modgw_worker") and name not in sys.builtin_module_names)))
    return ok(start_response, json.dumps(STATE, sort_keys=True, indent=1, default=list))
`

func TestForkedWorkerIsLikeOneStartedOnItsOwn(t *testing.T) {
	t.Parallel()
	limits := func(d *modgw.Descriptor) {
		d.Limits = modgw.Limits{Files: 200, Memory: 1 << 30}
		d.Env = map[string]string{"SETTING": "x", "PYTHONWARNINGS": "default"}
	}
	forked := withTemplate(t, stateOfProcess, limits)
	alone := forked.again()
	alone.runner.files.Zygotes = nil
	if err := alone.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	alone.listen()
	for _, path := range []string{"/", "/modules"} {
		got, want := forked.get(path).body, alone.get(path).body
		if path == "/" {
			want = strings.ReplaceAll(want, "no report", "")
			got = strings.ReplaceAll(got, "  \"--report\",\n  \"modules\",\n", "")
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s differs (-alone +forked):\n%s", path, diff)
		}
	}
	if forked.tracked()[0].parent == nil {
		t.Error("the worker was not forked")
	}
	next := forked.again()
	if err := next.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	next.listen()
	if next.get("/random").body == forked.get("/random").body {
		t.Error("two forked workers have the same random numbers")
	}
}
