package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/bmatcuk/doublestar/v4"
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
	if desc.Build == nil { // its command may create the files, as collectstatic does
		for _, a := range desc.Aliases {
			d.absentPath(written, "alias", a.Path, a.Dir+a.File) // one of them is set
		}
	}
	for _, f := range desc.Sendfiles {
		d.absentPath(written, "sendfile", f.Path, f.Dir)
	}
	d.absentMatches(desc.Root, desc.Python.Path, written, "python", "path")
	d.absentMatches(desc.Root, desc.Reload.Watch, written, "reload", "watch")
	if desc.Build != nil {
		d.absentMatches(desc.Root, desc.Build.Inputs, written, "build", "inputs")
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

// absentPath warns of a path at which there is nothing. The block of a name with that label has it.
func (d *decoder) absentPath(written *hclsyntax.Block, name, label, path string) {
	_, err := d.scope.files.stat(path)
	for _, b := range blocksOf(written.Body, name) {
		clean := ""
		if len(b.Labels) == 1 {
			clean, _ = cleanMount(b.Labels[0])
		}
		switch {
		case clean != label || err == nil:
		case errors.Is(err, fs.ErrNotExist):
			d.warn(codeAbsent, b.DefRange(), fmt.Sprintf("There is nothing at %q", path), "")
		default:
			d.warn(codeAbsent, b.DefRange(), fmt.Sprintf("Cannot look at %q", path), sentence(reason(err)))
		}
	}
}

// absentMatches warns of globs that no file matches. An argument of the block of a name has them.
func (d *decoder) absentMatches(root string, globs []string, written *hclsyntax.Block, name, argument string) {
	for _, b := range blocksOf(written.Body, name) {
		for _, glob := range globs {
			pattern := glob
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(root, pattern)
			}
			folder, rest := doublestar.SplitPattern(pattern)
			err := doublestar.GlobWalk(d.scope.files.opener().FS(folder), rest, func(string, fs.DirEntry) error {
				return errMatched
			})
			if !errors.Is(err, errMatched) {
				d.warn(codeAbsent, rangeOfArgument(b, argument), fmt.Sprintf("Nothing matches %q", glob),
					fmt.Sprintf("The paths begin at %q.", root))
			}
		}
	}
}

// errMatched ends the search at the first match.
var errMatched = errors.New("matched")
