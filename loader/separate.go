package loader

import (
	"cmp"
	"fmt"
	"os"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
)

// Held is the names, hosts and mounts that apps have already. Zero: no app is served yet.
type Held struct {
	Claims []claims.Claim // names, hosts and mounts of served apps

	// Partial is set when the files that are loaded are not all: claims of others count while those
	// files exist. Otherwise a file that is not loaded is gone, and so are its apps.
	Partial bool
}

// separate fills in the descriptors and diagnostics of files, and returns the claims of the apps
// from then on. An app that claims the name, host or mount of another is refused; other apps are
// not affected.
func separate(files []*File, held Held, tenants claims.Tenants) []claims.Claim {
	s := &separation{tenants: tenants, broken: map[string]bool{}, loaded: map[string]bool{}, apps: map[appKey]*app{}}
	for _, f := range files {
		s.loaded[f.Path] = true
		s.broken[f.Path] = f.found.HasErrors()
		for _, a := range f.apps {
			s.add(a)
		}
	}
	elsewhere := s.exists
	if !held.Partial {
		elsewhere = nil
	}
	table, refused := claims.Decide(held.Claims, s.wanted, claims.Files{
		Broken:    func(file string) bool { return s.broken[file] },
		Elsewhere: elsewhere,
	}, tenants)
	next := 0
	for _, f := range files {
		f.Descriptors, f.Missing = nil, nil
		for _, a := range f.apps {
			refusal, no := refused[next]
			next++
			// The place may not be the intended one.
			if no && (!a.broken || refusal.Reason == claims.NameTaken) {
				f.refuse(a, refusal, s)
			}
			if no || a.broken {
				f.Missing = append(f.Missing, a.Name)
				continue
			}
			f.Descriptors = append(f.Descriptors, *a.Descriptor)
		}
		f.Diagnostics = f.found.sorted()
		f.apps, f.report = nil, nil // a host with a thousand files keeps only the results
	}
	return table
}

// separation is the knowledge about all files that separate collects.
type separation struct {
	tenants claims.Tenants

	wanted []claims.Wanted
	broken map[string]bool // by path
	loaded map[string]bool
	apps   map[appKey]*app
}

// appKey finds the app that made a claim.
type appKey struct {
	file string
	name modgw.AppName
}

func (s *separation) add(a *app) {
	claim := claims.Of(*a.Descriptor)
	if a.broken && !a.placed {
		claim.Hosts, claim.Mount, claim.Match = nil, "", ""
	}
	s.wanted = append(s.wanted, claims.Wanted{Claim: claim, Mistaken: a.broken})
	if key := (appKey{claim.File, claim.App}); s.apps[key] == nil {
		s.apps[key] = a
	}
}

// exists reports whether a file that is not loaded is still there.
func (s *separation) exists(file string) bool {
	if s.loaded[file] {
		return false
	}
	_, err := os.Lstat(file)
	return err == nil
}

// refuse reports a claim that an app cannot have, with its own file and that of the app that has
// it.
func (f *File) refuse(a *app, r claims.Refusal, s *separation) {
	by := fmt.Sprintf("%q", r.By.File)
	if other := s.apps[appKey{r.By.File, r.By.App}]; other != nil {
		by = other.position()
	}
	owner := fmt.Sprintf("user %q", a.Owner)
	switch r.Reason {
	case claims.NoTenant:
		f.add(codeTenant, a.name, fmt.Sprintf("The app %q may not be served, because its owner, %s, is no tenant", a.Name, owner),
			fmt.Sprintf("Where the host file has tenants, only they may have descriptors of their own. An administrator can add a "+
				"block tenant %q to it, or take the descriptor over.", a.Owner))
	case claims.NotGranted:
		f.add(codeTenant, a.hosts, fmt.Sprintf("The app %q may not be mounted at %s, which %s may not claim", a.Name, cmp.Or(r.Place, "/"), owner),
			fmt.Sprintf("modgw-host policy shows what the host file lets the user claim. An administrator can add to tenant %q.", a.Owner))
	case claims.TooManyApps:
		t, _ := s.tenants.Of(a.Owner)
		f.add(codeTenant, a.name, fmt.Sprintf("The app %q is one more than the %d that %s may have", a.Name, t.Apps, owner),
			fmt.Sprintf("Take another app away first. An administrator can raise apps in tenant %q.", a.Owner))
	case claims.NameTaken:
		f.add(codeSameName, a.name, fmt.Sprintf("Duplicate app name %q", a.Name),
			fmt.Sprintf("The app of that name at %s was there first and keeps it. Give this one another name.", by))
	case claims.PlaceTaken:
		f.add(codeSameMount, a.mount, fmt.Sprintf("The apps %q and %q are mounted at the same place, %s", r.By.App, a.Name, r.Place),
			fmt.Sprintf("The app %q at %s was there first and keeps it. Give this one another mount or other hosts.", r.By.App, by))
	case claims.HostTaken:
		f.add(codeOthersHost, a.hosts, fmt.Sprintf("The app %q may not be mounted at %s, a host of %s", a.Name, r.Place, ownerOf(r.By)),
			fmt.Sprintf("The app %q at %s was there first. Give this one other hosts.", r.By.App, by))
	case claims.MountTaken:
		f.add(codeOthersHost, a.mount, fmt.Sprintf("The app %q may not be mounted at %s, in the way of %s", a.Name, r.Place, ownerOf(r.By)),
			fmt.Sprintf("The app %q at %s was there first, and has the mount %s. Give this one hosts, or a mount beside that.", r.By.App, by, r.By.Mount))
	}
}

func ownerOf(c claims.Claim) string {
	if c.Owner == "" {
		return "the host's own user"
	}
	return fmt.Sprintf("user %q", c.Owner)
}

func (a *app) position() string {
	if a.File == "" {
		return fmt.Sprintf("%q, which has no descriptor", a.Root)
	}
	return rangeOf(a.name).String()
}
