package host

import (
	"slices"
	"testing"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
)

func TestLastGoodDescriptorIsServedOnlyForItsOwnerWithinTheCeilings(t *testing.T) {
	f := newAppsFolder(t)
	f.host.lastGood = keepNow(t, t.TempDir(), modgw.Descriptor{
		Name: "blog", File: "/home/bob/blog.hcl", Owner: "bob", Mount: "/old", Queue: modgw.Queue{Max: 100},
	})
	f.host.file.Tenants = []modgw.Tenant{{
		User: "bob", Disk: 5 << 20, Ceilings: modgw.Ceilings{Queue: modgw.Queue{Max: 7}},
	}}
	claim := claims.Claim{App: "blog", Owner: "bob", File: "/home/bob/blog.hcl", Hosts: []string{"example.com"}, Mount: "/new"}
	d, ok := f.host.lastGoodDescriptor(claim)
	if !ok || d.Mount != "/new" || !slices.Equal(d.Hosts, claim.Hosts) {
		t.Errorf("got %+v, %t; want it at the place of the claim", d, ok)
	}
	if d.Queue.Max != 7 || d.DiskQuota != 5<<20 {
		t.Errorf("queue %d, disk %d: the ceilings of today are others", d.Queue.Max, d.DiskQuota)
	}
	claim.Owner, claim.File = "eve", "/home/eve/blog.hcl"
	if d, ok := f.host.lastGoodDescriptor(claim); ok {
		t.Errorf("eve gets what bob has served: %+v", d)
	}
	claim = claims.Claim{App: "blog", Owner: "bob", File: "/home/bob/blog.hcl"}
	if d, ok := f.host.lastGoodDescriptor(claim); ok {
		t.Errorf("served although its mount is unknown: %+v", d)
	}
}
