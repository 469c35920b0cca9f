package python

import (
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

// withTemplate starts an app twice: the second generation, which it returns, is forked from the template that the first
// one led to.
func withTemplate(t *testing.T, source string, change ...func(*modgw.Descriptor)) *app {
	t.Helper()
	first := prepare(t, source, change...)
	templates := NewTemplates()
	templates.calm = time.Millisecond
	first.runner.files.Templates = templates
	if err := first.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.awaitTemplate()
	second := first.again()
	if err := second.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.runner.Stop(t.Context())
	second.listen()
	return second
}

// again makes the next generation of an app.
func (a *app) again() *app {
	a.Helper()
	config := a.runner.config
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
		if a.log.count("template given up") > 0 {
			a.Fatal("the template was given up")
		}
		return a.runner.stock.pick() != nil
	})
}

func TestForkedWorkerServes(t *testing.T) {
	a := withTemplate(t, "import json, decimal, email.message\n"+hello)
	if got := a.get("/"); got.body != "Hello, World!" {
		t.Fatalf("got %d %q", got.status, got.body)
	}
	for _, w := range a.runner.tracked() {
		if w.template == nil {
			t.Error("a worker was not forked")
		}
	}
}
