package claims

import (
	"testing"

	"github.com/modgw/modgw/modgw"
)

// tenants are bob with a host, a wildcard and two mounts, and two apps at most, and eve with a
// host.
var tenants = Tenants{
	{
		User: "bob", Hosts: []string{"b.test", "*.b.test"}, Apps: 2,
		Mounts: []modgw.HostMount{{Host: "w.test", Mount: "/bob"}, {Mount: "/any"}},
	},
	{User: "eve", Hosts: []string{"e.test", "*.b.test"}},
}

func TestTenantsClaim(t *testing.T) {
	for name, c := range map[string]struct {
		held    []Claim
		wanted  []Wanted
		table   []Claim
		refused map[int]Reason
	}{
		"what the host file gives them": {
			wanted: wanted("a bob a.hcl b.test/ x.b.test/", "b bob b.hcl *.y.b.test/m"),
			table:  claims("a bob a.hcl b.test/ x.b.test/", "b bob b.hcl *.y.b.test/m"),
		},
		"no other host, no wider wildcard, and not any host": {
			wanted:  wanted("a bob a.hcl c.test/", "b bob b.hcl *.test/", "c bob c.hcl /", "d bob d.hcl xb.test/"),
			refused: map[int]Reason{0: NotGranted, 1: NotGranted, 2: NotGranted, 3: NotGranted},
		},
		"nothing at a place of theirs together with one that is not": {
			wanted:  wanted("a bob a.hcl b.test/ c.test/"),
			refused: map[int]Reason{0: NotGranted},
		},
		"a mount in the host of the host's own user, and below it": {
			held:    claims("w - w.hcl w.test/"),
			wanted:  wanted("w - w.hcl w.test/", "a bob a.hcl w.test/bob", "b bob b.hcl w.test/bob/x", "c bob c.hcl w.test/bobby"),
			table:   claims("w - w.hcl w.test/", "a bob a.hcl w.test/bob", "b bob b.hcl w.test/bob/x"),
			refused: map[int]Reason{3: TooManyApps},
		},
		"a mount at any host": {
			wanted:  wanted("a bob a.hcl /any/x", "b bob b.hcl /anyone"),
			table:   claims("a bob a.hcl /any/x"),
			refused: map[int]Reason{1: NotGranted},
		},
		"not more apps than the host file says, and those that are there stay": {
			held:    claims("z bob z.hcl b.test/z"),
			wanted:  wanted("a bob a.hcl b.test/a", "b bob b.hcl b.test/b", "z bob z.hcl b.test/z"),
			table:   claims("z bob z.hcl b.test/z", "a bob a.hcl b.test/a"),
			refused: map[int]Reason{1: TooManyApps},
		},
		"nothing when they are none": {
			wanted:  wanted("a mallory a.hcl m.test/", "w - w.hcl w.test/"),
			table:   claims("w - w.hcl w.test/"),
			refused: map[int]Reason{0: NoTenant},
		},
		"of two with the same host the first": {
			held:    claims("a bob a.hcl x.b.test/"),
			wanted:  wanted("a bob a.hcl x.b.test/", "e eve e.hcl x.b.test/e", "f eve f.hcl y.b.test/"),
			table:   claims("a bob a.hcl x.b.test/", "f eve f.hcl y.b.test/"),
			refused: map[int]Reason{1: HostTaken},
		},
		"no longer what was taken from them": {
			held:    claims("a bob a.hcl c.test/"),
			wanted:  wanted("a bob a.hcl c.test/", "w - w.hcl c.test/"),
			table:   claims("w - w.hcl c.test/"),
			refused: map[int]Reason{0: NotGranted},
		},
	} {
		t.Run(name, func(t *testing.T) {
			table, refused := Decide(c.held, c.wanted, Files{Broken: func(string) bool { return false }}, tenants)
			if !same(table, c.table) {
				t.Errorf("table\n%v, want\n%v", table, c.table)
			}
			for i := range c.wanted {
				want, no := c.refused[i]
				if got, is := refused[i]; is != no || is && got.Reason != want {
					t.Errorf("%s: refused %+v, want %v", c.wanted[i].App, got, want)
				}
			}
		})
	}
}
