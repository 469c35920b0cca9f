package export

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// Engine names a program that starts apps.
type Engine string

// The engines.
const (
	Systemd    Engine = "systemd"
	Container  Engine = "container"
	Kubernetes Engine = "kubernetes"
	Nomad      Engine = "nomad"
	Procfile   Engine = "procfile"
)

// File is a file that an engine reads.
type File struct {
	Name string `json:"name"` // relative path, with slashes
	Text string `json:"text"` // content of the file
}

// Launch describes how the engine starts the program, which the descriptor does not cover. Each
// zero value means a default.
type Launch struct {
	Program string // absolute path for systemd; "": /usr/bin/modgw-host

	// Config is the host file of [SystemdHost]. Empty means /etc/modgw/modgw.hcl. The service of an
	// app reads none: listeners and control socket in it belong to the host.
	Config  string
	Vars    map[string]string // values of var.NAME in descriptors
	Listen  modgw.Listener    // socket for systemd; zero: HTTP at /run/modgw/APP.sock
	Image   string            // image of kubernetes and nomad; "": APP:latest
	Version string            // version of modgw-host in images, such as "v0.1.0"; "": the latest
}

// writers write the files of each engine for one app.
var writers = map[Engine]func(modgw.Descriptor, Launch) ([]File, error){
	Systemd:    systemdApp,
	Container:  container,
	Kubernetes: kubernetes,
	Nomad:      nomad,
	Procfile:   procfile,
}

// App returns the files with which an engine runs an app.
func App(engine Engine, d modgw.Descriptor, l Launch) ([]File, error) {
	if d.File == "" {
		return nil, noDescriptor(d.Name)
	}
	return writers[engine](d.Redacted(), l)
}

// hostMemory is the memory of the host without the app's processes, in bytes.
const hostMemory = 64 << 20

// hostTasks is the largest number of threads of the host, without the app's processes and threads.
const hostTasks = 64

// endTime returns the longest time that run takes to end: it lets requests finish, and then stops
// the workers.
func endTime(d modgw.Descriptor) time.Duration {
	return max(d.Timeouts.Drain, d.Timeouts.WebSocketDrain) + d.Timeouts.Stop + 5*time.Second
}

// seconds is a time in whole seconds, rounded up.
func seconds(t time.Duration) int { return int((t + time.Second - 1) / time.Second) }

// runArguments returns the arguments of modgw-host that run an app, without the listeners.
func runArguments(d modgw.Descriptor, l Launch, state, config string) []string {
	args := []string{"run", "--app", string(d.Name), "--state", state}
	if config != "" {
		args = append(args, "--config", config)
	}
	return append(append(args, varArguments(l)...), d.File)
}

func varArguments(l Launch) (args []string) {
	for _, name := range slices.Sorted(maps.Keys(l.Vars)) {
		args = append(args, "--var", name+"="+l.Vars[name])
	}
	return args
}

// privateFiles are the files that the descriptor reads and that must not be in an image.
func privateFiles(d modgw.Descriptor) []string {
	files := slices.Clone(d.SecretFiles)
	if d.EnvFile != "" && !slices.Contains(files, d.EnvFile) {
		files = append(files, d.EnvFile)
	}
	return files
}

// outside are the files and folders that the descriptor names outside of its root, but for the
// descriptor and private files.
func outside(d modgw.Descriptor) []string {
	named := slices.Concat(d.Sources, d.Python.Requirements, d.Python.Path, []string{d.Python.Venv, d.Entry(), d.Home})
	for _, a := range d.Aliases {
		named = append(named, a.Dir, a.File)
	}
	for _, s := range d.Sendfiles {
		named = append(named, s.Dir)
	}
	switch {
	case d.FastCGI != nil:
		named = append(named, d.FastCGI.ScriptRoot)
	case d.CGI != nil:
		named = append(named, d.CGI.Dir, d.CGI.Script)
	case d.Static != nil:
		named = append(named, d.Static.Dir)
	}
	private := privateFiles(d)
	named = slices.DeleteFunc(named, func(path string) bool {
		_, inside := files.Inside(d.Root, path)
		return !filepath.IsAbs(path) || inside || path == d.File || slices.Contains(private, path)
	})
	slices.Sort(named)
	return slices.Compact(named)
}

var outsideLabel = lazyregexp.New(`[^a-z0-9]+`)

// label is the name of an app as DNS has it, which Kubernetes and Nomad want: small letters, digits
// and "-", a letter first, at most 63.
func label(name string) string {
	l := strings.Trim(outsideLabel.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if l == "" || l[0] < 'a' {
		l = strings.TrimSuffix("app-"+l, "-")
	}
	return strings.TrimRight(l[:min(len(l), 63)], "-")
}

// image is the image that an app runs from.
func image(d modgw.Descriptor, l Launch) string {
	if l.Image != "" {
		return l.Image
	}
	return label(string(d.Name)) + ":latest"
}
