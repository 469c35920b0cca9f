package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/shebang"
	"github.com/modgw/modgw/modgw"
)

// absent reports names in an app that this machine does not have: a user, which is an error, and
// files and folders, which may appear later.
func (d *decoder) absent(desc *modgw.Descriptor, written *hclsyntax.Block) {
	if !d.scope.opts.Machine {
		return
	}
	if desc.User != "" {
		_, err := account.Lookup(desc.User, desc.Group, desc.Groups...)
		if err != nil && !errors.Is(err, account.ErrRoot) {
			d.add(codeNoUser, rangeOfArgument(written, "user"), fmt.Sprintf("The app cannot run as user %q", desc.User),
				join(sentence(err.Error()), "Create the user with useradd --system, or name another one."))
		}
	}
	d.brokenScripts(desc, written)
	for _, b := range blocksOf(written.Body, "alias") {
		if desc.Build != nil {
			break // its command may be what makes the files, as collectstatic does
		}
		for _, a := range desc.Aliases {
			if len(b.Labels) == 1 && cleanLabel(b.Labels[0]) == a.Path {
				d.absentPath(a.Dir+a.File, b.DefRange()) // one of them is set
			}
		}
	}
	for _, b := range blocksOf(written.Body, "sendfile") {
		for _, f := range desc.Sendfiles {
			if len(b.Labels) == 1 && cleanLabel(b.Labels[0]) == f.Path {
				d.absentPath(f.Dir, b.DefRange())
			}
		}
	}
	for _, b := range blocksOf(written.Body, "python") {
		for _, p := range desc.Python.Path {
			d.absentMatch(desc.Root, p, rangeOfArgument(b, "path"))
		}
	}
	for _, b := range blocksOf(written.Body, "reload") {
		for _, g := range desc.Reload.Watch {
			d.absentMatch(desc.Root, g, rangeOfArgument(b, "watch"))
		}
	}
	for _, b := range blocksOf(written.Body, "build") {
		if desc.Build == nil {
			continue
		}
		for _, g := range desc.Build.Inputs {
			d.absentMatch(desc.Root, g, rangeOfArgument(b, "inputs"))
		}
	}
}

// brokenScripts reports the program of an app that is a script which the kernel cannot run.
func (d *decoder) brokenScripts(desc *modgw.Descriptor, written *hclsyntax.Block) {
	program := desc.Program()
	if program == "" {
		return
	}
	mistake := shebang.Mistake(program, d.scope.files.as)
	// The shell that starts the others runs a script without the line by itself.
	if mistake == "" || mistake == shebang.NoLine && desc.CGI == nil {
		return
	}
	argument := "command"
	if desc.CGI != nil {
		argument = "script"
	}
	for _, b := range blocksOf(written.Body, string(desc.Kind)) {
		d.add(codeScript, rangeOfArgument(b, argument), fmt.Sprintf("The script %q cannot be run", program), sentence(mistake))
	}
}

func cleanLabel(label string) string {
	clean, _ := cleanMount(label)
	return clean
}

// absentPath warns of a path at which there is nothing.
func (d *decoder) absentPath(path string, rng hcl.Range) {
	if _, err := d.scope.files.stat(path); err == nil {
		return
	} else if !errors.Is(err, fs.ErrNotExist) {
		d.warnAbsent(rng, fmt.Sprintf("Cannot look at %q", path), sentence(reason(err)))
		return
	}
	d.warnAbsent(rng, fmt.Sprintf("There is nothing at %q", path), "")
}

// absentMatch warns of a glob that no file matches.
func (d *decoder) absentMatch(root, glob string, rng hcl.Range) {
	pattern := glob
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(root, pattern)
	}
	folder, rest := doublestar.SplitPattern(pattern)
	err := doublestar.GlobWalk(d.scope.files.opener().FS(folder), rest, func(string, fs.DirEntry) error {
		return errMatched
	})
	if !errors.Is(err, errMatched) {
		d.warnAbsent(rng, fmt.Sprintf("Nothing matches %q", glob), fmt.Sprintf("The paths begin at %q.", root))
	}
}

// errMatched ends the search at the first match.
var errMatched = errors.New("matched")

func (d *decoder) warnAbsent(rng hcl.Range, summary, detail string) {
	d.add(codeAbsent, rng, summary, detail)
	d.found[len(d.found)-1].Severity = Warning
}
