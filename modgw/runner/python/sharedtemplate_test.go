package python

import (
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

// startSharing starts an app whose zygote is in a set with others, and returns it when it has a
// template.
func startSharing(t *testing.T, set *zygote.Set, name modgw.AppName, imports string, change ...func(*modgw.Descriptor)) *app {
	t.Helper()
	rename := func(d *modgw.Descriptor) { d.Name = name }
	a := prepare(t, imports+"\n"+hello, append(change, rename)...)
	a.runner.files.Zygotes = set
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	a.awaitTemplate()
	return a
}

// nextForked starts another generation of an app, which must be forked, and stops the previous one.
func (a *app) nextForked() *app {
	a.Helper()
	b := a.again()
	if err := b.runner.Start(a.Context()); err != nil {
		a.Fatal(err)
	}
	b.listen()
	a.runner.Stop(a.Context())
	a.stopped = true
	if b.tracked()[0].parent == nil {
		a.Error("the worker was not forked")
	}
	if got := b.get("/"); got.body != "Hello, World!" {
		a.Errorf("got %d %q", got.status, got.body)
	}
	return b
}

func TestAppsThatLoadTheSameModulesShareATemplate(t *testing.T) {
	t.Parallel()
	const much = "import json, decimal, email.message, argparse, csv, http.client, xml.dom.minidom"
	set := &zygote.Set{Delay: time.Millisecond}
	first := startSharing(t, set, "first", much)
	template := first.runner.zygote.Pick()
	second := startSharing(t, set, "second", much)
	if got := second.runner.zygote.Pick().PID(); got != template.PID() || second.log.Count("template shared with other apps") != 1 {
		t.Errorf("the second app has template %d, and the first %d", got, template.PID())
	}
	for name, other := range map[modgw.AppName]*app{
		"less":         startSharing(t, set, "less", "import json"),
		"otherwise":    startSharing(t, set, "otherwise", much, func(d *modgw.Descriptor) { d.Env = map[string]string{"A": "B"} }),
		"within":       startSharing(t, set, "within", much, func(d *modgw.Descriptor) { d.Limits.CPUWeight = 50 }),
		"much-besides": startSharing(t, set, "much-besides", "import "+"asyncio, unittest.mock, multiprocessing.pool, concurrent.futures.process, xmlrpc.client, logging.config\n"+much),
	} {
		if other.runner.zygote.Pick().PID() == template.PID() {
			t.Errorf("%q shares a template although it is another app", name)
		}
	}
	second = second.nextForked()
	first.runner.Stop(t.Context())
	first.stopped = true
	if !alive(template.PID()) {
		t.Fatal("the template ended with one of its apps")
	}
	second = second.nextForked()
	second.runner.Stop(t.Context())
	second.stopped = true
	if alive(template.PID()) {
		t.Error("the template lives")
	}
}

func TestAppThatASharedTemplateDoesNotFitGetsItsOwn(t *testing.T) {
	t.Parallel()
	const much = "import json, decimal, email.message"
	set := &zygote.Set{Delay: time.Millisecond}
	first := startSharing(t, set, "first", much)
	second := startSharing(t, set, "second", much)
	template := first.runner.zygote.Pick()
	// A file of the app hides a module of the environment from now on.
	second.write(second.path("decimal.py"), "")
	third := second.again()
	if err := third.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	third.listen()
	if third.tracked()[0].parent != nil {
		t.Error("it was forked nevertheless")
	}
	third.awaitTemplate()
	if third.runner.zygote.Pick().PID() == template.PID() || first.runner.zygote.Pick() != template {
		t.Error("the template is shared with an app that it does not fit, or the first app lost it")
	}
	first.nextForked()
}
