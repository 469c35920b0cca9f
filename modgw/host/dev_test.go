package host

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

func TestRequestsAreHeldUntilTheLastOrderIsDone(t *testing.T) {
	g := &stubGateway{}
	g.deploy = func(ctx context.Context, _ string) error {
		select {
		case <-time.After(time.Second):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	keepReconciling(t, g, func(k *reconciler) {
		var told []string
		k.hold = func() func() {
			told = append(told, "hold")
			return func() { told = append(told, "release") }
		}
		want := func(when string, events ...string) {
			t.Helper()
			synctest.Wait()
			if diff := cmp.Diff(events, told); diff != "" {
				t.Errorf("%s: %s", when, diff)
			}
		}
		first := k.requestWithResult(deployRequest{class: reload.Code, cause: "first"})
		want("while the first is made", "hold")
		k.environmentBuilt()
		// This cancels the first deploy.
		second := k.requestWithResult(deployRequest{class: reload.Code, cause: "second"})
		<-first
		<-second
		want("after both", "hold", "release")
		<-k.requestWithResult(deployRequest{class: reload.Code, cause: "third"})
		want("after another one", "hold", "release", "hold", "release")
	})
}

func TestAppsOfOtherHostsAreBroughtHome(t *testing.T) {
	one := map[modgw.AppName]modgw.Descriptor{"Blog": {Hosts: []string{"blog.example.com"}}}
	addLocalHosts(one)
	if diff := cmp.Diff([]string{"blog.example.com", "blog.localhost", "localhost", "127.0.0.1", "[::1]"}, one["Blog"].Hosts); diff != "" {
		t.Error(diff)
	}
	two := map[modgw.AppName]modgw.Descriptor{"blog": {Hosts: []string{"blog.example.com"}}, "shop": {}}
	addLocalHosts(two)
	if diff := cmp.Diff([]string{"blog.example.com", "blog.localhost"}, two["blog"].Hosts); diff != "" {
		t.Error(diff)
	}
	if two["shop"].Hosts != nil {
		t.Errorf("an app of any host got %q", two["shop"].Hosts)
	}
}
