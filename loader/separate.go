package loader

import (
	"fmt"

	"github.com/modgw/modgw/modgw"
)

// separate fills in the descriptors and diagnostics of files. Of two apps with one name, or on one host and mount, the
// first in the order of files and lines stays and the other is refused; nobody else is disturbed.
func separate(files []*File) {
	names := map[modgw.AppName]*app{}
	mounts := map[string]*app{}
	for _, f := range files {
		f.Descriptors = nil
		for _, a := range f.apps {
			if !f.stands(a, names, mounts) || a.broken {
				continue
			}
			f.Descriptors = append(f.Descriptors, *a.Descriptor)
		}
		f.Diagnostics = f.found.sorted()
		f.apps, f.report = nil, nil // a host with a thousand files keeps what they said, not how
	}
}

// stands reports whether a is in nobody's way, and takes its name and places.
func (f *File) stands(a *app, names map[modgw.AppName]*app, mounts map[string]*app) bool {
	if first := names[a.Name]; first != nil {
		f.add(codeSameName, a.name, fmt.Sprintf("Duplicate app name %q", a.Name), fmt.Sprintf("The first app of that name is at %s.", first.position()))
		return false
	}
	names[a.Name] = a
	if a.broken {
		return false // its mount may not be what was meant
	}
	places := placesOf(a)
	for _, p := range places {
		if first := mounts[p]; first != nil {
			f.add(codeSameMount, a.mount, fmt.Sprintf("The apps %q and %q are mounted at the same place, %s", first.Name, a.Name, p),
				fmt.Sprintf("The other one is at %s. Give this one another mount or other hosts.", first.position()))
			return false
		}
	}
	for _, p := range places {
		mounts[p] = a
	}
	return true
}

// placesOf are the hosts and mount of an app: "blog.example.com/blog", or "/blog" on any host.
func placesOf(a *app) []string {
	if len(a.Hosts) == 0 {
		return []string{string(a.Mount)}
	}
	places := make([]string, len(a.Hosts))
	for i, h := range a.Hosts {
		places[i] = h + string(a.Mount)
	}
	return places
}

func (a *app) position() string {
	if a.File == "" {
		return fmt.Sprintf("%q, which has no descriptor", a.Root)
	}
	return rangeOf(a.name).String()
}
