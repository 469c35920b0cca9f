package host

import (
	"testing"

	"github.com/modgw/modgw/modgw"
)

// notHealthy makes a deploy of the static app fail, and quickly.
const notHealthy = `
  timeouts { startup = "10ms" }
  health   { path = "/none" }
`

func TestAppIsDeployedWhenAnotherLeavesItsPlaceAtLast(t *testing.T) {
	f := newAppsFolder(t)
	f.write("blog", "/a", "")
	f.must(f.reconcile())
	f.write("blog", "/b", notHealthy) // it stays at /a, which the files give to another app
	f.write("shop", "/a", "")
	if err := f.reconcile(); err == nil {
		t.Fatal("two apps have one place")
	}
	f.wantPage("/a/page", 200, "blog")
	f.want("shop", 0)

	mayDeploy := make(chan struct{})
	f.host.reconciler("blog").beforeDeploy = func(modgw.Descriptor) { <-mayDeploy }
	f.write("blog", "/b", "")
	asked := f.host.reconcile("saved", func(modgw.Descriptor) bool { return false })
	if state := f.host.gateway.State("shop"); state == modgw.AppFailed {
		t.Error("requests for the app are refused, and its place is about to be free")
	}
	close(mayDeploy)
	f.must(f.host.await(t.Context(), asked))
	f.wantPage("/b/page", 200, "blog")
	f.wantPage("/a/page", 200, "shop") // it waits for the app's first generation
}
