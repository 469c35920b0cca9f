package workers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/kernelaudit"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/modgw"
)

// phpSessions is where PHP of Debian keeps sessions. No process can list it, and the sessions of
// other users have a mode that keeps them secret.
const phpSessions = "/var/lib/php/sessions"

// Sandbox makes the rules for the processes of an app. nil confines nothing.
type Sandbox struct {
	config modgw.RunnerConfig
	user   *account.Account
	code   []string // files of the host's own that its processes read

	denials  denials
	filtered atomic.Bool     // control groups distinguish addresses
	learning func() *learner // made when it is needed; nil: nothing is learned
}

// NewSandbox returns the sandbox of an app, or nil if it has none. code are files of the host that
// the app's processes read. It creates nothing.
func NewSandbox(c modgw.RunnerConfig, user *account.Account, code ...string) *Sandbox {
	if c.Descriptor.Sandbox == nil {
		return nil
	}
	s := &Sandbox{config: c, user: user, code: code}
	if c.Descriptor.Sandbox.Learn {
		s.learning = sync.OnceValue(s.newLearner)
	}
	return s
}

// newLearner returns a learner for all accesses that an empty write list denies.
func (s *Sandbox) newLearner() *learner {
	confined := *s.config.Descriptor.Sandbox
	confined.Read, confined.Write = nil, []string{}
	bare := &Sandbox{config: s.config, user: s.user, code: s.code}
	bare.config.Descriptor.Sandbox = &confined
	granted := bare.grants(nil)
	if rules, err := s.rules(nil, nil); err == nil { // else no process starts
		for _, g := range ownTemporary() {
			if rules.HidesTemporary(g.Path) {
				granted = append(granted, g)
			}
		}
	}
	if s.config.Private != "" {
		granted = append(granted, sandbox.Grant{Path: s.config.Private, Write: true})
	}
	return newLearner(s.config.Private, granted, s.config.Log)
}

// Close waits until nothing more is learned: the processes have ended.
func (s *Sandbox) Close() {
	if s != nil && s.learning != nil {
		s.learning().close()
	}
}

// Status fills in the sandbox in a runner's status.
func (s *Sandbox) Status(status *modgw.RunnerStatus) {
	if s == nil {
		return
	}
	status.Sandbox = sandboxMeans(s.config.Descriptor, sandbox.Probe(), s.config.Audit.Means())
	status.Denied = s.denials.total()
	if s.filtered.Load() {
		status.Sandbox["network"] = fmt.Sprintf("control group, landlock %d and seccomp", sandbox.Probe().Landlock)
	}
	if s.learning != nil {
		status.Learned = s.learning().block()
	}
}

// Confine puts the rules into spec for a process that executes programs and listens on the ports,
// and makes the folder that it has for temporary files.
func (s *Sandbox) Confine(spec *proc.Spec, programs []string, listen ...uint16) error {
	if s == nil {
		return nil
	}
	rules, err := s.rules(programs, listen)
	if err != nil {
		return err
	}
	spec.Sandbox = rules
	if s.learning != nil {
		rules.Learn, rules.Watch = true, s.learning().watch
	}
	isSet := func(variable string) bool { return strings.HasPrefix(variable, "TMPDIR=") }
	if rules.Temporary == "" || rules.HidesTemporary("/tmp") {
		return nil
	}
	if !slices.ContainsFunc(spec.Env, isSet) {
		spec.Env = append(slices.Clip(spec.Env), "TMPDIR="+rules.Temporary)
	}
	if f := s.config.Descriptor.FastCGI; f != nil && f.IsPHP() {
		// PHP's cache of code asks no variable, and PHP does not start without a lock.
		spec.Args = append([]string{"-d", "opcache.lockfile_path=" + rules.Temporary}, spec.Args...)
	}
	return nil
}

func (s *Sandbox) rules(programs []string, listen []uint16) (*sandbox.Rules, error) {
	d := s.config.Descriptor
	rules := &sandbox.Rules{Listen: listen, Network: networkOf(d.Sandbox), Means: sandbox.Probe(), Misled: s.denyMisled}
	for _, e := range d.Sandbox.Network {
		rules.Connect = append(rules.Connect, e.Port)
	}
	if s.config.Private != "" {
		folder, err := s.makeTemporary()
		if err != nil {
			return nil, err
		}
		rules.Temporary = folder
	}
	rules.Grants = s.grants(programs)
	for _, g := range ownTemporary() {
		if rules.HidesTemporary(g.Path) {
			rules.Grants = append(rules.Grants, g)
		}
	}
	if rules.Temporary != "" {
		rules.Grants = append(rules.Grants, sandbox.Grant{Path: rules.Temporary, Write: true})
	}
	return rules, nil
}

// ownTemporary are the folders that an app has of its own, where it can have mounts.
func ownTemporary() []sandbox.Grant {
	return []sandbox.Grant{{Path: "/tmp", Write: true}, {Path: "/var/tmp", Write: true}, {Path: "/dev/shm", Write: true}}
}

// grants are the files that the app may open. Those that its descriptor names are bounded.
func (s *Sandbox) grants(programs []string) []sandbox.Grant {
	grants := sandbox.System()
	add := func(write bool, within []string, paths ...string) {
		for _, path := range paths {
			if path != "" && filepath.IsAbs(path) {
				grants = append(grants, sandbox.Grant{Path: path, Write: write, Within: within})
			}
		}
	}
	d, env := s.config.Descriptor, s.config.Environment
	within := d.Sandbox.Within
	add(false, nil, s.code...)
	if d.Python.Venv != "" {
		add(false, within, env.Dir)
	} else {
		add(false, nil, env.Dir, env.Binary)
	}
	add(false, within, env.SearchPath...)
	add(false, within, d.Root, d.Home, filepath.Dir(d.Entry()))
	add(false, within, d.Python.Path...)
	if d.CGI != nil {
		add(false, within, d.CGI.Dir, d.CGI.Script)
	}
	if d.FastCGI != nil {
		add(false, within, d.FastCGI.ScriptRoot)
		if d.FastCGI.IsPHP() {
			add(true, nil, phpSessions)
		}
	}
	for _, program := range append(programs[:len(programs):len(programs)], env.Interpreter) {
		if filepath.IsAbs(program) {
			grants = append(grants, sandbox.Grant{Path: program, Program: true, Within: within})
		}
	}
	add(false, within, d.Sandbox.Read...)
	add(true, d.Sandbox.WithinWrite, d.Sandbox.Writable(d.Root)...)
	return grants
}

func networkOf(s *modgw.Sandbox) sandbox.Network {
	switch {
	case s.ConnectsAnywhere():
		return sandbox.Open
	case len(s.Network) > 0:
		return sandbox.Listed
	}
	return sandbox.Closed
}

// makeTemporary creates the folder for temporary files, which belongs to the app's user, within a
// folder that belongs to the host's user.
func (s *Sandbox) makeTemporary() (string, error) {
	folder := filepath.Join(s.config.Private, "tmp")
	if err := files.MakeFolder(s.config.Private, 0o755); err != nil {
		return "", err
	}
	err := os.Mkdir(folder, 0o700)
	switch {
	case os.IsExist(err):
		info, err := os.Lstat(folder)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%q is no folder", folder)
		}
		if err != nil || s.user == nil {
			return folder, err
		}
	case err != nil:
		return "", err
	}
	if s.user != nil {
		err = os.Lchown(folder, int(s.user.UID), int(s.user.GID))
	}
	return folder, err
}

// sandboxMeans returns the mechanisms by which an app's sandbox confines each kind of access:
// "landlock", "seccomp" and the like, or "none". nil: the app has no sandbox.
func sandboxMeans(d modgw.Descriptor, m sandbox.Means, audit kernelaudit.Means) map[string]string {
	if d.Sandbox == nil {
		return nil
	}
	if d.Sandbox.Learn {
		return map[string]string{"learning": "system calls that are reported; nothing is denied"}
	}
	choose := func(there bool, means string) string {
		if there {
			return means
		}
		return "none"
	}
	landlock := fmt.Sprintf("landlock %d", m.Landlock)
	return map[string]string{
		"files":        choose(m.Landlock > 0, landlock),
		"network":      networkMeans(d.Sandbox, m),
		"signals":      choose(m.Scopes(), landlock),
		"system calls": choose(m.Filter, "seccomp"),
		"privileges":   "no_new_privs",
		"denials":      denialMeans(m, audit),
		"/tmp":         choose(m.Mounts, "own mount"),
		"/proc":        choose(m.Mounts, "own mount"),
	}
}

// denialMeans returns the mechanism by which denials are found. The host does not turn on the
// kernel's auditing, which would cost all programs of the machine.
func denialMeans(m sandbox.Means, audit kernelaudit.Means) string {
	const printed = "what programs print"
	switch {
	case audit == kernelaudit.Nothing || !m.Filter:
		return printed + "; the kernel does not report to this host what programs hide"
	case !m.LogsDenials():
		return printed + ", and the kernel for system calls; it does not report what Landlock denies"
	case audit == kernelaudit.All:
		return printed + ", and the kernel"
	case audit == kernelaudit.Probably:
		return printed + ", and the kernel: for system calls, and where auditing is turned on for all else"
	}
	return printed + ", and the kernel for system calls; its auditing is turned off, so that it does not report what Landlock denies"
}

// Unconfined returns the parts of a sandbox that cannot be confined by the means. Without mounts
// there are other ways for temporary files, so that they are not among them.
func Unconfined(m sandbox.Means) []string {
	var parts []string
	for _, part := range []struct {
		name  string
		there bool
	}{
		{"files", m.Landlock > 0}, {"TCP ports", m.Ports()}, {"signals and abstract sockets", m.Scopes()}, {"system calls", m.Filter},
	} {
		if !part.there {
			parts = append(parts, part.name)
		}
	}
	return parts
}

func networkMeans(s *modgw.Sandbox, m sandbox.Means) string {
	switch {
	case s.ConnectsAnywhere():
		return "open"
	case !m.Ports():
		return "none"
	case !m.Filter:
		return fmt.Sprintf("landlock %d, TCP ports alone", m.Landlock)
	case len(s.Network) == 0:
		return fmt.Sprintf("landlock %d and seccomp", m.Landlock)
	}
	return fmt.Sprintf("landlock %d and seccomp, ports at any address", m.Landlock)
}
