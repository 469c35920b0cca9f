package modgw

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/webfiles"
)

// Alias is a URL path below the mount whose files the host serves without asking the app. Exactly
// one of Dir and File is set.
type Alias struct {
	Path  string // "/static", relative to the mount
	Dir   string // absolute folder whose files are below Path; ""
	File  string // absolute file that Path itself means; ""
	Files Files  // how its files are served
}

// URL is the path of the alias for an app that is mounted there, with a slash at its end when it is
// one of a folder.
func (a Alias) URL(mount MountPath) string {
	url := strings.TrimSuffix(string(mount), "/") + strings.TrimSuffix(a.Path, "/")
	if a.File != "" {
		return url
	}
	return url + "/"
}

// Files controls how files are served.
type Files struct {
	Index []string // names that a folder answers with, the first that is there; empty: 404
	Cache string   // the Cache-Control of every file; "": none is sent
	// content types by lower-case extension, such as ".wasm", in addition to the known ones
	Types map[string]string
}

// aliasSite is an alias that can be asked for its files. They are opened with the rights of the
// app's user, and no link leads out of the folder.
type aliasSite struct {
	path string
	file string // the one file that path means, by its name in the site; "": all files of the site
	site webfiles.Site
}

// aliasSites returns the sites of a descriptor's aliases, in order.
func aliasSites(d Descriptor, user *account.Account, log *slog.Logger) []aliasSite {
	var all []aliasSite
	for _, a := range d.Aliases {
		s := aliasSite{path: strings.TrimSuffix(a.Path, "/")}
		dir := a.Dir
		if a.File != "" {
			dir, s.file = filepath.Dir(a.File), filepath.Base(a.File)
		}
		s.site = a.Files.Site(d.Folder(dir, user), log)
		all = append(all, s)
	}
	return all
}

// Site is a folder whose files are served in this way.
func (f Files) Site(folder files.Folder, log *slog.Logger) webfiles.Site {
	return webfiles.Site{Folder: folder, Index: f.Index, Cache: f.Cache, Types: f.Types, Log: log}
}

// serveAlias answers a request for a path that an alias has, and reports whether it did.
func (g *Generation) serveAlias(w http.ResponseWriter, r *http.Request, info *RequestInfo) bool {
	a, rest := g.findAlias(info)
	switch {
	case a == nil:
		return false
	case a.file != "":
		a.site.ServeFile(w, r, a.file)
	default:
		a.site.Serve(w, r, info.Path, rest)
	}
	return true
}

// findAlias returns the alias that contains a request's path, and the rest of the path; nil: none
// does.
func (g *Generation) findAlias(info *RequestInfo) (a *aliasSite, rest string) {
	for i := range g.aliases {
		a := &g.aliases[i]
		rest, below := strings.CutPrefix(info.PathInfo, a.path)
		if below && (a.file != "" && rest == "" || a.file == "" && strings.HasPrefix(rest, "/")) {
			return a, rest
		}
	}
	return nil, ""
}
