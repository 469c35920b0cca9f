package host

import (
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"slices"

	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// file is a loaded descriptor file.
type file = loader.File

// readFile reads the host's own file.
func (h *Host) readFile() (modgw.HostFile, *loader.Defaults, error) {
	if h.config.File == "" {
		return modgw.HostFile{Spool: modgw.DefaultHostSpool}, nil, nil
	}
	read, defaults, diags := loader.LoadHost(h.config.File, h.options(nil))
	if err := diags.Err(); err != nil {
		return modgw.HostFile{}, nil, &LoadError{Diagnostics: diags, first: err}
	}
	return *read, defaults, nil
}

// readFileAgain updates the parts of the host's own file that can change while the host runs: the
// apps and their defaults, and permissions. The rest stays as it was at the start and needs no
// lock.
func (h *Host) readFileAgain() error {
	read, defaults, err := h.readFile()
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(read.Listeners, h.file.Listeners) {
		h.log.Warn("listeners changed; they take effect when the host is restarted")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.file.Apps, h.file.Sources, h.defaults = read.Apps, read.Sources, defaults
	h.file.Tenants, h.file.Admins = read.Tenants, read.Admins
	return nil
}

func (h *Host) options(defaults *loader.Defaults) loader.Options {
	options := loader.Options{Vars: h.config.Vars, Defaults: defaults, Root: os.Geteuid() == 0 && h.config.Dev == nil}
	if h.config.Dev == nil {
		options.Unenforced = workers.Unenforced(func(c cgroup.Controller) bool { return proc.CgroupVersion(c) > 0 })
		options.CannotFreeze = !proc.CanFreeze()
	}
	options.Unconfined = Unconfined()
	return options
}

// Unconfined returns the parts of a sandbox that a host of this process's user cannot confine on
// this machine.
func Unconfined() []string { return workers.Unconfined(sandbox.Probe()) }

// UnenforcedLimits returns the arguments of the limits block of an app that a host of this user's
// could probably not enforce on this machine.
func UnenforcedLimits() []string { return workers.Unenforced(proc.MachineBounds) }

// CannotFreeze reports whether a host of this user's could probably not freeze the processes of
// apps on this machine.
func CannotFreeze() bool { return !proc.MachineFreezes() }

// targets returns where to look for descriptors.
func (h *Host) targets() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append(slices.Clone(h.file.Apps), h.config.Targets...)
}

// read reads all descriptors and decides the claims of each app. h.reconcileLock is held.
func (h *Host) read() []*file {
	h.mu.Lock()
	options, held := h.options(h.defaults), h.claimed
	options.Tenants = h.file.Tenants
	h.mu.Unlock()
	files, table, _ := loader.LoadHeld(h.targets(), loader.Held{Claims: held}, options)
	h.setClaims(table)
	return files
}

// load reads all descriptors at the start. Mistakes are an error when there is nothing to serve
// or to wait for.
func (h *Host) load() ([]*file, error) {
	h.reconcileLock.Lock()
	defer h.reconcileLock.Unlock()
	if err := h.readClaims(); err != nil {
		return nil, err
	}
	files := h.read()
	wanted := h.described(files)
	if len(wanted) == 0 {
		wanted = h.wanted(files)
	}
	diags := allDiagnostics(files)
	if err := diags.Err(); err != nil && len(wanted) == 0 &&
		(h.config.Unwatched || h.config.Script || !slices.ContainsFunc(files, canBeFixed)) {
		return nil, &LoadError{Diagnostics: diags, first: err}
	}
	if name := h.config.Only; name != "" && len(wanted) == 0 {
		fault := modgw.UnknownApp(name)
		fault.Hint = "modgw-host check lists the apps that the descriptors define"
		return nil, fault
	}
	if h.config.Script && len(wanted) != 1 {
		return nil, &modgw.Fault{
			Code:    "MGW-HST-018",
			Summary: fmt.Sprintf("cannot serve %d apps as one script", len(wanted)),
			Hint:    "a file that a web server executes describes one app; write one file for each",
		}
	}
	return files, nil
}

func allDiagnostics(files []*file) (all loader.Diagnostics) {
	for _, f := range files {
		all = append(all, f.Diagnostics...)
	}
	return all
}

// canBeFixed reports whether a broken file exists, so that its next version may be good.
func canBeFixed(f *file) bool {
	_, err := os.Lstat(f.Path)
	return err == nil
}

// described returns the descriptors of the files that this host should run, by name.
func (h *Host) described(files []*file) map[modgw.AppName]modgw.Descriptor {
	all := map[modgw.AppName]modgw.Descriptor{}
	for _, f := range files {
		for _, d := range f.Descriptors {
			if h.runs(d.Name) {
				all[d.Name] = h.adaptDescriptor(d)
			}
		}
	}
	return all
}

// wanted returns the descriptors that this host should run, by name: those of the files, and the
// last good ones of apps that do not run and whose descriptors have mistakes.
func (h *Host) wanted(files []*file) map[modgw.AppName]modgw.Descriptor {
	all := h.described(files)
	for _, c := range h.missing(all) {
		if d, ok := h.lastGoodDescriptor(c); ok {
			all[c.App] = h.adaptDescriptor(d)
		}
	}
	if h.config.Dev != nil {
		addLocalHosts(all)
	}
	return all
}

// runs reports whether this host should run an app.
func (h *Host) runs(name modgw.AppName) bool { return h.config.Only == "" || h.config.Only == name }

// adaptDescriptor fills in settings that depend on how the host was started.
func (h *Host) adaptDescriptor(d modgw.Descriptor) modgw.Descriptor {
	if h.config.Dev != nil {
		d = withDevWorkers(d)
	}
	if h.config.Script {
		d.Hosts, d.Mount, d.MountMatch = nil, "/", ""
	}
	if h.config.Dev != nil {
		d.Timeouts.Stop = min(d.Timeouts.Stop, devTimeout)
		d.Timeouts.WebSocketDrain = min(d.Timeouts.WebSocketDrain, devTimeout)
		if h.config.Dev.Terminal != nil {
			d.Timeouts.Request = 0
		}
	}
	if h.config.Only != "" || h.config.Dev != nil {
		d.Idle.Start = modgw.StartEager
	}
	if d.Attach {
		d = attachable(d)
	}
	return d
}

// withDevWorkers returns d with one worker where it does not name another number, and with as few
// as it allows where the load would decide.
func withDevWorkers(d modgw.Descriptor) modgw.Descriptor {
	scale := d.Scale()
	switch {
	case d.WSGI != nil && d.WSGI.Workers == 0, d.ASGI != nil && d.ASGI.Workers == 0:
		return d.WithScale(modgw.Scale{Min: 1, Max: 1})
	case !scale.IsFixed():
		return d.WithScale(modgw.Scale{Min: scale.Min, Max: scale.Min})
	}
	return d
}

// TrustedProxies returns the networks whose proxies may name the client.
func (h *Host) TrustedProxies() []netip.Prefix {
	return append(slices.Clone(h.file.TrustedProxies), h.config.TrustedProxies...)
}

// LoadError is returned when a host cannot be started because of mistakes in its files.
type LoadError struct {
	Diagnostics loader.Diagnostics // with one error at least
	first       error
}

func (e *LoadError) Error() string { return e.first.Error() }

// Unwrap returns the first mistake as a fault.
func (e *LoadError) Unwrap() error { return e.first }
