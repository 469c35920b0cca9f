package host

import (
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// withResolvedRoot returns d with the links in its root resolved, so that a generation keeps the
// release that it was made from. When "current" leads to another release, modules that are
// imported late still come from the old one, and a rollback returns to it. A root that cannot be
// resolved stays as it is; the deploy reports why.
func withResolvedRoot(d modgw.Descriptor) modgw.Descriptor {
	user, err := account.Lookup(d.User, d.Group, d.Groups...)
	if err != nil {
		return d
	}
	var real string
	err = user.Do(func() (err error) {
		real, err = filepath.EvalSymlinks(d.Root)
		return err
	})
	if err != nil || real == d.Root {
		return d
	}
	moved := func(path string) string {
		if rest, below := strings.CutPrefix(path, d.Root+"/"); below {
			return filepath.Join(real, rest)
		}
		return path
	}
	all := func(paths []string) []string {
		var pinned []string
		for _, p := range paths {
			pinned = append(pinned, moved(p))
		}
		return pinned
	}
	if d.WSGI != nil {
		wsgi := *d.WSGI
		wsgi.Entry = moved(wsgi.Entry)
		d.WSGI = &wsgi
	}
	if d.ASGI != nil {
		asgi := *d.ASGI
		asgi.Entry = moved(asgi.Entry)
		d.ASGI = &asgi
	}
	d.Python.Requirements, d.Python.Path = all(d.Python.Requirements), all(d.Python.Path)
	d.Home = moved(d.Home)
	d.Python.Venv = moved(d.Python.Venv)
	var aliases []modgw.Alias
	for _, a := range d.Aliases {
		a.Dir, a.File = moved(a.Dir), moved(a.File)
		aliases = append(aliases, a)
	}
	d.Aliases = aliases
	var sendfiles []modgw.Sendfile
	for _, f := range d.Sendfiles {
		named := f // an app may name a file by the link
		f.Dir = moved(f.Dir)
		if sendfiles = append(sendfiles, f); f != named {
			sendfiles = append(sendfiles, named)
		}
	}
	d.Sendfiles = sendfiles
	d.Root = real
	return d
}
