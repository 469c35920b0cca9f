package host

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// ownFiles names the interest in descriptors and the host's own file. No app can have that name.
const ownFiles modgw.AppName = ""

// filesOf names the interest in the files of a user's descriptors. No app can have that name.
func filesOf(user string) modgw.AppName { return modgw.AppName("@" + user) }

func isDescriptors(name modgw.AppName) bool {
	return name == ownFiles || strings.HasPrefix(string(name), "@")
}

// watch declares the relevant files: those of each app, and all descriptors.
func (h *Host) watch(files []*file, wanted map[modgw.AppName]modgw.Descriptor) {
	if h.config.Unwatched {
		return
	}
	for _, d := range wanted {
		if !h.waitsForRequest(d) { // else its reconciler watches it
			h.watchApp(d)
		}
	}
	own := descriptorInterest("", h.ownDescriptors(files))
	for _, target := range h.targets() {
		if pattern, ok := folderPattern(target); ok {
			own.Globs = append(own.Globs, reload.Glob{Pattern: pattern, Class: reload.Descriptor})
		}
	}
	interests := []reload.Interest{own}
	for user, sources := range sourcesOfUsers(files) {
		interests = append(interests, descriptorInterest(user, sources))
	}
	watched := map[modgw.AppName]bool{}
	for _, in := range interests {
		watched[in.App] = true
		if err := h.watcher.Watch(in); err != nil {
			h.log.Error("descriptors are not watched", "error", err.Error())
		}
	}
	for name := range h.descriptors {
		if !watched[name] {
			h.watcher.Forget(name)
		}
	}
	h.descriptors = watched
}

// descriptorInterest returns the interest in the files from which the descriptors of a user were
// made, or those of the host's own user for "". Files that a user names are examined with the
// user's rights; files that the host's own descriptors name, with the rights of the user who can
// change them.
func descriptorInterest(user string, paths []string) reload.Interest {
	in := reload.Interest{App: ownFiles, Shared: true}
	if user != "" {
		as, err := account.Lookup(user, "")
		if err != nil {
			return reload.Interest{App: filesOf(user)} // the deploy reports the error
		}
		in = reload.Interest{App: filesOf(user), Account: as}
	}
	for _, path := range paths {
		info, err := (safepath.Opener{User: in.Account}).Stat(path)
		if err == nil && info.IsDir() { // listed by fileset()
			in.Globs = append(in.Globs, reload.Glob{Pattern: reload.Escape(path) + "/**", Class: reload.Descriptor, Hidden: true})
			continue
		}
		in.Descriptor = append(in.Descriptor, path)
	}
	return in
}

// sourcesOfUsers returns the further files that descriptors of other users were made from.
func sourcesOfUsers(files []*file) map[string][]string {
	all := map[string][]string{}
	for _, f := range files {
		if f.Owner != "" {
			all[f.Owner] = append(all[f.Owner], f.Sources...)
		}
	}
	return all
}

// watchApp declares which files of an app matter.
func (h *Host) watchApp(d modgw.Descriptor) {
	if h.config.Unwatched {
		return
	}
	if d.Attach {
		h.watcher.Forget(d.Name) // its developer restarts the worker
		return
	}
	user, err := account.Lookup(d.User, d.Group, d.Groups...)
	if err != nil {
		return // the deploy reports the error
	}
	in := reload.Of(d)
	in.Account = user
	h.watchAssets(&in, d)
	in.Descriptor = nil // all descriptors together are one interest: see watch
	in.Dependencies = append(in.Dependencies, h.builder.Inputs(d)...)
	h.mu.Lock()
	in.Extra = maps.Clone(h.outside[d.Name])
	h.mu.Unlock()
	if state, err := filepath.Rel(d.Root, h.State()); err == nil && filepath.IsLocal(state) {
		// Files that the host itself writes are no change of the app.
		in.Ignore = append(slices.Clone(in.Ignore), reload.Escape(state)+"/**")
	}
	if err := h.watcher.Watch(in); err != nil {
		h.log.Error("files of an app are not watched", "app", d.Name, "error", err.Error())
	}
}

// mostOutside is the largest number of files outside its root that are watched for an app.
const mostOutside = 5000

// loadedOutside are, for each app, the files outside its root that workers have loaded, each with
// the time when the first of them was started.
type loadedOutside map[modgw.AppName]map[string]time.Time

// foundOutside also watches code that a worker of an app has loaded from outside the root since it
// was started.
func (h *Host) foundOutside(app modgw.AppName, files []string, started time.Time) {
	h.mu.Lock()
	known := h.outside[app]
	if known == nil {
		known = map[string]time.Time{}
		h.outside[app] = known
	}
	before := len(known)
	for _, file := range files {
		if _, ok := known[file]; !ok && len(known) < mostOutside {
			known[file] = started
		}
	}
	grown := len(known) > before
	h.mu.Unlock()
	if r := h.reconciler(app); r != nil && grown {
		h.watchApp(r.descriptor())
	}
}

// ownDescriptors returns all descriptors, and the further files from which those of the host's own
// user were made.
func (h *Host) ownDescriptors(files []*file) []string {
	var all []string
	add := func(paths ...string) {
		for _, p := range paths {
			if p != "" {
				all = append(all, p)
			}
		}
	}
	h.mu.Lock()
	add(h.file.File)
	add(h.file.Sources...)
	h.mu.Unlock()
	for _, f := range files {
		add(f.Path)
		if f.Owner == "" {
			add(f.Sources...)
		}
	}
	return all
}

// folderPattern returns the glob for descriptors that may be added to a target; false when it is
// a single file.
func folderPattern(target string) (string, bool) {
	path, err := filepath.Abs(target)
	if err != nil {
		return "", false
	}
	switch info, err := (safepath.Opener{}).Stat(path); {
	case err == nil && info.IsDir():
		return reload.Escape(path) + "/*.hcl", true
	case err != nil && strings.ContainsAny(target, "*?[{"): // the name of a file may have them, too
		return path, true
	}
	return "", false
}

// changed handles a change that the watcher reports.
func (h *Host) changed(_ context.Context, c reload.Change) {
	if isDescriptors(c.App) {
		paths := map[string]bool{}
		for _, p := range c.Paths {
			paths[p] = true
		}
		h.reconcile(c.Cause, func(d modgw.Descriptor) bool {
			return d.Reload.Mode != modgw.ReloadOff && belongs(d, paths)
		})
		return
	}
	if c.Class == reload.Asset {
		h.log.Info("assets changed", "app", c.App, "cause", c.Cause)
		h.dev.Assets(c.App, c.Paths)
		return
	}
	r := h.reconciler(c.App)
	if r == nil || h.runsNothing(c.App) {
		return
	}
	h.requestDeploy(r, deployRequest{class: c.Class, cause: c.Cause, paths: c.Paths, since: c.Since})
}

// reconcile reads the host's file and all descriptors again and applies them. Apps that again
// chooses are deployed again even if their descriptors have not changed. It returns the deploys
// that it requested.
func (h *Host) reconcile(cause string, again func(modgw.Descriptor) bool) []pendingDeploy {
	h.reconcileLock.Lock()
	defer h.reconcileLock.Unlock()
	err := h.readFileAgain()
	h.setFileMistake(err)
	if err != nil {
		h.log.Error("host file not used, the settings before stay", "error", err.Error())
	}
	return h.apply(h.read(), cause, again)
}
