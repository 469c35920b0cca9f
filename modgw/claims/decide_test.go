package claims

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/modgw/modgw/modgw"
)

// claim reads "app owner file host/mount host/mount…"; "-" is the host's own user. A mount may have
// a pattern behind "~".
func claim(text string) Claim {
	f := strings.Fields(text)
	c := Claim{App: modgw.AppName(f[0]), Owner: strings.TrimPrefix(f[1], "-"), File: f[2]}
	for _, at := range f[3:] {
		host, mount, _ := strings.Cut(at, "/")
		mount, match, _ := strings.Cut(mount, "~")
		c.Mount, c.Match = modgw.MountPath("/"+mount), match
		if host != "" {
			c.Hosts = append(c.Hosts, host)
		}
	}
	return c
}

func claims(lines ...string) (all []Claim) {
	for _, line := range lines {
		all = append(all, claim(line))
	}
	return all
}

func wanted(lines ...string) (all []Wanted) {
	for _, line := range lines {
		line, mistaken := strings.CutSuffix(line, " !")
		all = append(all, Wanted{claim(line), mistaken})
	}
	return all
}

func same(a, b []Claim) bool { return slices.EqualFunc(a, b, Claim.Equal) }

func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		held    []Claim
		wanted  []Wanted
		broken  string // a file
		table   []Claim
		refused map[int]Reason
	}{
		"an app keeps its name although another file comes first": {
			held:    claims("b bob b.hcl b.test/"),
			wanted:  wanted("b eve a.hcl e.test/", "b bob b.hcl b.test/"),
			table:   claims("b bob b.hcl b.test/"),
			refused: map[int]Reason{0: NameTaken},
		},
		"apps with different patterns share a mount": {
			held:    claims("a bob a.hcl b.test/", "b bob b.hcl b.test/~/en"),
			wanted:  wanted("a bob a.hcl b.test/", "b bob b.hcl b.test/~/en", "c bob c.hcl b.test/~/de", "d bob d.hcl b.test/~/en"),
			table:   claims("a bob a.hcl b.test/", "b bob b.hcl b.test/~/en", "c bob c.hcl b.test/~/de"),
			refused: map[int]Reason{3: PlaceTaken},
		},
		"a pattern opens no mount of another user's": {
			held:    claims("a bob a.hcl /a~/x", "b bob b.hcl /b"),
			wanted:  wanted("a bob a.hcl /a~/x", "b bob b.hcl /b", "c eve c.hcl /a/c", "d eve d.hcl /a~/y", "e eve e.hcl /~/z", "f eve f.hcl /b/c~/x"),
			table:   claims("a bob a.hcl /a~/x", "b bob b.hcl /b"),
			refused: map[int]Reason{2: MountTaken, 3: MountTaken, 4: MountTaken, 5: MountTaken},
		},
		"an app keeps its place although another file comes first": {
			held:    claims("b bob b.hcl b.test/"),
			wanted:  wanted("a bob a.hcl b.test/", "b bob b.hcl b.test/"),
			table:   claims("b bob b.hcl b.test/"),
			refused: map[int]Reason{0: PlaceTaken},
		},
		"the first file has the place where no app is served yet": {
			wanted:  wanted("a bob a.hcl /", "b bob b.hcl /"),
			table:   claims("a bob a.hcl /"),
			refused: map[int]Reason{1: PlaceTaken},
		},
		"the host's own user comes first where no app is served yet": {
			wanted:  wanted("a eve a.hcl w.test/", "w - w.hcl w.test/"),
			table:   claims("w - w.hcl w.test/"),
			refused: map[int]Reason{0: PlaceTaken},
		},
		"two blocks of one file cannot have one name": {
			wanted:  wanted("a - a.hcl /1", "a - a.hcl /2"),
			table:   claims("a - a.hcl /1"),
			refused: map[int]Reason{1: NameTaken},
		},
		"two apps exchange their mounts": {
			held:   claims("a - a.hcl /1", "b - b.hcl /2"),
			wanted: wanted("a - a.hcl /2", "b - b.hcl /1"),
			table:  claims("a - a.hcl /2", "b - b.hcl /1"),
		},
		"three apps move around": {
			held:   claims("a - x.hcl h/1", "b - x.hcl h/2", "c - x.hcl h/3"),
			wanted: wanted("a - x.hcl h/2", "b - x.hcl h/3", "c - x.hcl h/1"),
			table:  claims("a - x.hcl h/2", "b - x.hcl h/3", "c - x.hcl h/1"),
		},
		"a new app takes a place that another leaves": {
			held:   claims("b - b.hcl /"),
			wanted: wanted("a - a.hcl /", "b - b.hcl /b"),
			table:  claims("b - b.hcl /b", "a - a.hcl /"),
		},
		"a new app takes the place of one that is gone": {
			held:   claims("b bob b.hcl b.test/"),
			wanted: wanted("a eve a.hcl b.test/"),
			table:  claims("a eve a.hcl b.test/"),
		},
		"an app whose new place is taken keeps its old one, and who wanted that one is refused": {
			held:    claims("a - a.hcl /1", "b - b.hcl /2", "c - c.hcl /3"),
			wanted:  wanted("a - a.hcl /2", "b - b.hcl /3", "c - c.hcl /3", "d - d.hcl /1"),
			table:   claims("a - a.hcl /1", "b - b.hcl /2", "c - c.hcl /3"),
			refused: map[int]Reason{0: PlaceTaken, 1: PlaceTaken, 3: PlaceTaken},
		},
		"a renamed descriptor keeps its app": {
			held:   claims("a bob a.hcl b.test/"),
			wanted: wanted("a bob z.hcl b.test/"),
			table:  claims("a bob z.hcl b.test/"),
		},
		"an app that moved to another file goes before one that comes new": {
			held:    claims("m bob m.hcl b.test/"),
			wanted:  wanted("a bob a.hcl b.test/", "m bob z.hcl b.test/"),
			table:   claims("m bob z.hcl b.test/"),
			refused: map[int]Reason{0: PlaceTaken},
		},
		"a renamed descriptor with a mistake keeps what its app had": {
			held:   claims("a bob a.hcl b.test/"),
			wanted: wanted("a bob z.hcl b.test/new !"),
			broken: "z.hcl",
			table:  claims("a bob z.hcl b.test/"),
		},
		"a file of another user does not continue an app that is gone": {
			held:   claims("a bob a.hcl b.test/"),
			wanted: wanted("a eve z.hcl e.test/"),
			table:  claims("a eve z.hcl e.test/"),
		},
		"a file that the host's user gave away continues its app": {
			held:   claims("z - z.hcl z.test/"),
			wanted: wanted("a eve a.hcl z.test/", "z bob z.hcl z.test/"),
			table:  claims("z bob z.hcl z.test/"), refused: map[int]Reason{0: PlaceTaken},
		},
		"a broken descriptor keeps what it had": {
			held:    claims("b bob b.hcl b.test/"),
			wanted:  wanted("a eve a.hcl b.test/", "b eve a.hcl e.test/"),
			broken:  "b.hcl",
			table:   claims("b bob b.hcl b.test/"),
			refused: map[int]Reason{0: PlaceTaken, 1: NameTaken},
		},
		"an app with a mistake keeps its old place": {
			held:    claims("b - b.hcl /old"),
			wanted:  wanted("b - b.hcl /new !", "c - c.hcl /old"),
			broken:  "b.hcl",
			table:   claims("b - b.hcl /old"),
			refused: map[int]Reason{1: PlaceTaken},
		},
		"an app that never was served has its place although it has a mistake": {
			wanted: wanted("a - a.hcl /a !", "b - b.hcl /b"),
			broken: "a.hcl",
			table:  claims("b - b.hcl /b", "a - a.hcl /a"),
		},
		"an app whose place was not known gets it when it is": {
			held:   claims("a - a.hcl"),
			wanted: wanted("a - a.hcl /a !", "b - b.hcl /b"),
			broken: "a.hcl",
			table:  claims("a - a.hcl /a", "b - b.hcl /b"),
		},
		"an app that can be served goes before one with a mistake where no app is served yet": {
			wanted:  wanted("a - a.hcl / !", "b - b.hcl /"),
			broken:  "a.hcl",
			table:   claims("b - b.hcl /"),
			refused: map[int]Reason{0: PlaceTaken},
		},
		"no mount in the host of another user": {
			held:    claims("b bob b.hcl b.test/app"),
			wanted:  wanted("b bob b.hcl b.test/app", "e eve e.hcl b.test/login"),
			table:   claims("b bob b.hcl b.test/app"),
			refused: map[int]Reason{1: HostTaken},
		},
		"an app of before may not move into the host of another user": {
			held:    claims("b bob b.hcl b.test/", "e eve e.hcl e.test/"),
			wanted:  wanted("b bob b.hcl b.test/", "e eve e.hcl b.test/login"),
			table:   claims("b bob b.hcl b.test/", "e eve e.hcl e.test/"),
			refused: map[int]Reason{1: HostTaken},
		},
		"no mount in the host of the host's own user": {
			held:    claims("w - w.hcl w.test/"),
			wanted:  wanted("w - w.hcl w.test/", "e eve e.hcl w.test/e"),
			table:   claims("w - w.hcl w.test/"),
			refused: map[int]Reason{1: HostTaken},
		},
		"the host's own user adds to any host, which stays its user's": {
			held:   claims("b bob b.hcl b.test/", "w - w.hcl b.test/status"),
			wanted: wanted("b bob b.hcl b.test/", "w - w.hcl b.test/status", "c bob c.hcl b.test/c"),
			table:  claims("b bob b.hcl b.test/", "w - w.hcl b.test/status", "c bob c.hcl b.test/c"),
		},
		"no name in the wildcard of another user": {
			held:    claims("b bob b.hcl *.b.test/"),
			wanted:  wanted("b bob b.hcl *.b.test/", "e eve e.hcl x.y.b.test/", "f eve f.hcl *.x.b.test/", "g eve g.hcl b.test/"),
			table:   claims("b bob b.hcl *.b.test/", "g eve g.hcl b.test/"),
			refused: map[int]Reason{1: HostTaken, 2: HostTaken},
		},
		"no wildcard over a name of another user": {
			held:    claims("b bob b.hcl x.b.test/"),
			wanted:  wanted("b bob b.hcl x.b.test/", "e eve e.hcl *.b.test/", "f eve f.hcl *.test/", "g eve g.hcl *.x.b.test/"),
			table:   claims("b bob b.hcl x.b.test/", "g eve g.hcl *.x.b.test/"),
			refused: map[int]Reason{1: HostTaken, 2: HostTaken},
		},
		"a user may do all that with hosts of their own": {
			held:   claims("b bob b.hcl *.b.test/"),
			wanted: wanted("b bob b.hcl *.b.test/", "c bob c.hcl x.b.test/", "d bob d.hcl *.b.test/d", "e bob e.hcl *.test/"),
			table:  claims("b bob b.hcl *.b.test/", "c bob c.hcl x.b.test/", "d bob d.hcl *.b.test/d", "e bob e.hcl *.test/"),
		},
		"a host of one's own beside an app of another user that answers for any host": {
			held:   claims("e eve e.hcl /"),
			wanted: wanted("e eve e.hcl /", "b bob b.hcl b.test/"),
			table:  claims("e eve e.hcl /", "b bob b.hcl b.test/"),
		},
		"mounts of two users at any host stand beside each other and not in each other": {
			held:    claims("e eve e.hcl /e/app"),
			wanted:  wanted("e eve e.hcl /e/app", "a bob a.hcl /e/app/login", "b bob b.hcl /e", "c bob c.hcl /", "d bob d.hcl /e/application"),
			table:   claims("e eve e.hcl /e/app", "d bob d.hcl /e/application"),
			refused: map[int]Reason{1: MountTaken, 2: MountTaken, 3: MountTaken},
		},
	} {
		t.Run(name, func(t *testing.T) {
			table, refused := Decide(c.held, c.wanted, Files{Broken: func(file string) bool { return file == c.broken }}, nil)
			if !same(table, c.table) {
				t.Errorf("table\n%v, want\n%v", table, c.table)
			}
			if len(refused) != len(c.refused) {
				t.Errorf("refused %v, want %v", refused, c.refused)
			}
			for i, reason := range c.refused {
				if r, ok := refused[i]; !ok || r.Reason != reason || r.By.App == "" {
					t.Errorf("%s: refused %+v, want reason %d", c.wanted[i].App, r, reason)
				}
			}
		})
	}
}

// TestNoTwoAppsEverHaveTheSame decides again and again about files that come, go and change at
// random.
func TestNoTwoAppsEverHaveTheSame(t *testing.T) {
	files := []string{"a.hcl", "b.hcl", "c.hcl", "d.hcl"}
	owners := map[string]string{"a.hcl": "", "b.hcl": "bob", "c.hcl": "bob", "d.hcl": "eve"}
	rapid.Check(t, func(t *rapid.T) {
		var table []Claim
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			var all []Wanted
			broken := rapid.SampledFrom(append(files, "")).Draw(t, "broken")
			for _, file := range files {
				for range rapid.IntRange(0, 2).Draw(t, "apps") {
					c := Claim{App: modgw.AppName(rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "app")), File: file, Owner: owners[file]}
					c.Mount = modgw.MountPath(rapid.SampledFrom([]string{"/", "/m", "/m/n"}).Draw(t, "mount"))
					c.Hosts = rapid.SampledFrom([][]string{nil, {"h.test"}, {"*.test", "i.test"}}).Draw(t, "hosts")
					all = append(all, Wanted{c, file == broken && rapid.Bool().Draw(t, "mistaken")})
				}
			}
			before := table
			var refused map[int]Refusal
			table, refused = Decide(before, all, Files{Broken: func(file string) bool { return file == broken }}, nil)
			names, places := map[modgw.AppName]bool{}, map[place]bool{}
			for _, c := range table {
				if names[c.App] {
					t.Fatalf("two apps %q in %v", c.App, table)
				}
				names[c.App] = true
				for _, p := range c.places() {
					if places[p] {
						t.Fatalf("two apps at %q in %v", p, table)
					}
					places[p] = true
				}
			}
			for i, w := range all {
				has := slices.ContainsFunc(table, func(c Claim) bool { return c.App == w.App && c.File == w.File })
				if _, no := refused[i]; !no && !has {
					t.Fatalf("%v is neither served nor refused", w)
				}
			}
			for _, w := range all {
				i := slices.IndexFunc(before, func(c Claim) bool { return c.Equal(w.Claim) })
				if i >= 0 && !slices.ContainsFunc(table, func(c Claim) bool { return c.App == w.App && c.File == w.File }) {
					t.Fatalf("%v lost its place", w)
				}
			}
		}
	})
}

func TestStoreKeepsTheOrderAndRefusesWhatItDidNotWrite(t *testing.T) {
	s := StoreIn(t.TempDir())
	if table, err := s.Read(); table != nil || err != nil {
		t.Errorf("an empty store reads %v, %v", table, err)
	}
	table := claims("b bob b.hcl *.b.test/", "a - a.hcl /a")
	if err := s.Write(table); err != nil {
		t.Fatal(err)
	}
	if read, err := s.Read(); err != nil || !same(read, table) {
		t.Errorf("read %v, %v", read, err)
	}
}
