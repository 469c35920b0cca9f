package python

import (
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

const leavesGarbage = `
import weakref
class Node: pass
left = []
def leave():
    node = Node()
    node.itself = node  # only a collection ends it
    left.append(weakref.ref(node))
def count():
    return str(sum(ref() is not None for ref in left))
`

func TestWorkerCollectsGarbageWhenItIsAsked(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]*app{
		"wsgi": serve(t, leavesGarbage+gates+`
def application(environ, start_response):
    if environ["PATH_INFO"] == "/leave":
        leave()
    return ok(start_response, count())
`),
		"asgi": serve(t, leavesGarbage+`
async def application(scope, receive, send):
    if scope["path"] == "/leave":
        leave()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": count().encode()})
`, asASGI),
	} {
		if got := a.get("/leave").body; got != "1" {
			t.Errorf("%s: %q before", name, got)
		}
		for range 2 {
			a.tracked()[0].Collect(t.Context())
		}
		if got := a.get("/").body; got != "0" {
			t.Errorf("%s: %q afterwards", name, got)
		}
	}
}

func TestTemplateEndsWhileItsAppSleeps(t *testing.T) {
	t.Parallel()
	set := &zygote.Set{Delay: time.Millisecond}
	sleeps := func(d *modgw.Descriptor) { d.Idle.SleepAfter = time.Hour }
	a := startSharing(t, set, "sleeper", "import json", sleeps)
	if a.runner.Status().Sleep["freeze"] == modgw.MeansNone {
		t.Skip("this process can make no control groups that freeze")
	}
	template := a.runner.zygote.Pick()
	neighbour := startSharing(t, set, "neighbour", "import json", sleeps)
	if err := neighbour.runner.Sleep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if neighbour.runner.zygote.Pick() == nil || !alive(template.PID()) {
		t.Error("the template of two apps ended with the sleep of one")
	}
	neighbour.runner.Stop(t.Context())
	neighbour.stopped = true
	if err := a.runner.Sleep(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-template.Done()
	if err := a.runner.Wake(); err != nil {
		t.Fatal(err)
	}
	if got := a.get("/"); got.body != "Hello, World!" {
		t.Errorf("got %d %q", got.status, got.body)
	}
	second := a.again()
	if err := second.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.listen()
	second.awaitTemplate()
	third := second.nextForked()
	if err := third.runner.Sleep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if third.runner.zygote.Pick() == nil {
		t.Error("a template ended from which a worker was forked")
	}
	if err := third.runner.Wake(); err != nil {
		t.Fatal(err)
	}
}
