package reload

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// Interest lists the files from which an app is made. A missing file is watched for until it
// appears. A file whose content stays the same has not changed, but another time of a Descriptor or
// Entry is a change: touch(1) reloads.
type Interest struct {
	App  modgw.AppName // names the interest; another one of the same name replaces it
	Root string        // absolute folder that relative globs are below; "": there are none

	Descriptor   []string // absolute files of class Descriptor
	Dependencies []string // absolute files of class Dependencies
	Entry        []string // absolute files of class Code
	Globs        []Glob   // further files

	// Extra are absolute files of class Code that workers have loaded from elsewhere, each with the
	// time when its first worker was started. A file that changed after it counts as changed, since
	// the worker may have loaded the old version; zero: it counts as it is.
	Extra  map[string]time.Time
	Ignore []string // globs relative to Root that never count

	Mode      modgw.ReloadMode // "": auto
	Settle    time.Duration    // how long nothing may change before a change is reported; 0: 100 ms
	MaxSettle time.Duration    // the longest that further changes put a report off; 0: 1.5 s
	Account   *account.Account // files are looked at with its rights; nil: this process's own

	// Shared means that the files belong to many users, and Account is nil: each file is opened
	// with the rights of the users who can change the way to it.
	Shared bool
}

// Glob names files by a pattern, in which "**" means any folders and {a,b} either one.
//
// "*" and "**" match no name with a leading dot unless Hidden is set. Except is a pattern of files
// that do not count all the same, relative to the root or to the folder that an absolute Pattern
// begins with; "": none.
type Glob struct {
	Pattern string // absolute, or relative to the root
	Class   Class  // class of the files
	Hidden  bool   // "*" and "**" match names with a leading dot, too
	Except  string // pattern of files that do not count; "": none
}

const (
	defaultSettle    = 100 * time.Millisecond
	defaultMaxSettle = 1500 * time.Millisecond
)

// Of returns the interest of an app in its files. The caller adds the inputs of the environment to
// Dependencies, and sets Account.
func Of(d modgw.Descriptor) Interest {
	in := Interest{
		App:       d.Name,
		Root:      d.Root,
		Entry:     entryFiles(d),
		Ignore:    d.Reload.Ignore,
		Mode:      d.Reload.Mode,
		Settle:    d.Reload.Settle,
		MaxSettle: d.Reload.MaxSettle,
	}
	for _, pattern := range codeOf(d) {
		in.Globs = append(in.Globs, Glob{Pattern: pattern, Class: Code, Except: notBuilt(d.Kind)})
	}
	for _, pattern := range d.Reload.Watch {
		in.Globs = append(in.Globs, Glob{Pattern: pattern, Class: Code})
	}
	for _, f := range append([]string{d.File, d.EnvFile}, d.Sources...) {
		if f != "" {
			in.Descriptor = append(in.Descriptor, f)
		}
	}
	for _, name := range dependencyFiles(d) {
		in.Dependencies = append(in.Dependencies, filepath.Join(d.Root, name))
	}
	in.Dependencies = append(in.Dependencies, d.Python.Requirements...)
	if d.Build != nil {
		for _, pattern := range d.Build.Inputs {
			in.Globs = append(in.Globs, Glob{Pattern: pattern, Class: Dependencies})
		}
	}
	return in
}

// entryFiles returns the files that the app's entry can mean.
func entryFiles(d modgw.Descriptor) []string {
	switch d.Kind {
	case modgw.KindWSGI:
		return pythonEntry(d, d.WSGI.Entry)
	case modgw.KindASGI:
		return pythonEntry(d, d.ASGI.Entry)
	case modgw.KindHTTP:
		return commandFiles(d.Root, d.HTTP.Command)
	case modgw.KindFastCGI:
		return commandFiles(d.Root, d.FastCGI.Command)
	}
	return nil
}

func pythonEntry(d modgw.Descriptor, entry string) []string {
	if filepath.IsAbs(entry) {
		return []string{entry}
	}
	module, _, _ := strings.Cut(entry, ":")
	module = strings.ReplaceAll(module, ".", "/")
	var files []string
	for _, dir := range append([]string{d.Root}, d.Python.Path...) {
		files = append(files, filepath.Join(dir, module+".py"), filepath.Join(dir, module, "__init__.py"))
	}
	return files
}

// commandFiles returns the words of a command that can be files of the app: not options, and not a
// program that PATH is searched for.
func commandFiles(root string, command []string) []string {
	var files []string
	for i, word := range command {
		switch {
		case strings.HasPrefix(word, "-"), strings.Contains(word, "://"), i == 0 && !strings.Contains(word, "/"):
		case filepath.IsAbs(word):
			files = append(files, filepath.Clean(word))
		default:
			files = append(files, filepath.Join(root, word))
		}
	}
	return files
}
