package venv

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// inputs determine the contents of an environment. Each kind of input has its own file, which fills
// it in.
type inputs struct {
	source   string   // for people: "requirements.txt"
	files    []string // requirement files for the installer
	packages []string // requirements for the installer
	hashed   bool     // the files have hashes, so only packages with one may be installed
	copies   bool     // a project on this machine is installed as a copy
	editable string   // a project to install as editable, with extras; "": none
	project  string   // the folder whose uv.lock is installed; "": none
	script   string   // the file whose lock is installed; "": none
	lock     string   // the lock file of PEP 751 that is installed; "": none

	pins       []string // requirements that mean the same as lock
	unpinnable error    // why there are none

	decisive []string // everything above in normal form, to be hashed
	demands  []demand // all of them must be met by the interpreter
	watched  []string // files whose change can change any of this

	referenced []string // variables that requirement files refer to

	tables string   // advice about tables of pyproject.toml that are not read; "": none
	unread []string // files that declare packages and are not read, with advice
	notes  []string // further observations, for messages
}

// readInputs finds the inputs of d by their precedence. With an error, the result has at least the
// watched files that were found by then.
func readInputs(d modgw.Descriptor, acct *account.Account) (inputs, error) {
	in := inputs{source: "no requirements"}
	if d.Python.Venv != "" {
		in.source = "venv " + d.Python.Venv
		in.watched = []string{filepath.Join(d.Python.Venv, "pyvenv.cfg")}
		return in, nil
	}
	if err := in.readPackages(d, acct); err != nil {
		return in, err
	}
	in.readVariables(d)
	return in, in.readDemands(d, acct)
}

func (in *inputs) readPackages(d modgw.Descriptor, acct *account.Account) error {
	if len(d.Python.Requirements) > 0 || len(d.Python.Packages) > 0 {
		return in.readNamed(d, acct)
	}
	for _, read := range in.finders(d) {
		if found, err := read(d, acct); found || err != nil {
			return err
		}
	}
	in.readUnread(d.Root, acct)
	return nil
}

// finders look for one kind of input each, in this order; the first that finds one decides. Extras
// and groups belong to projects, so if the descriptor names some, only inputs of projects are
// looked for.
func (in *inputs) finders(d modgw.Descriptor) []func(modgw.Descriptor, *account.Account) (bool, error) {
	if len(d.Python.Extras)+len(d.Python.Groups) > 0 {
		return []func(modgw.Descriptor, *account.Account) (bool, error){in.readUVLock, in.readFoundPylock, in.readPyproject}
	}
	return []func(modgw.Descriptor, *account.Account) (bool, error){
		in.readUVLock, in.readFoundPylock, in.readFound, in.readScript, in.readPyproject,
	}
}

// isEmpty reports whether there is nothing to install.
func (in *inputs) isEmpty() bool {
	return len(in.files) == 0 && len(in.packages) == 0 && in.editable == "" && in.lock == "" && !in.needsUV()
}

// watch adds a file that can change the inputs.
func (in *inputs) watch(path string) {
	if !slices.Contains(in.watched, path) {
		in.watched = append(in.watched, path)
	}
}

// decide adds to the values that are hashed.
func (in *inputs) decide(list ...string) { in.decisive = append(in.decisive, list...) }

// readNamed reads the inputs that the descriptor names.
func (in *inputs) readNamed(d modgw.Descriptor, acct *account.Account) error {
	if names := d.Python.Requirements; len(names) == 1 && pylockName.MatchString(filepath.Base(names[0])) && len(d.Python.Packages) == 0 {
		return in.readPylock(names[0], d, acct)
	}
	var sources []string
	for _, file := range d.Python.Requirements {
		sources = append(sources, files.Relative(d.Root, file))
	}
	if len(d.Python.Packages) > 0 {
		sources = append(sources, "packages")
	}
	in.source = strings.Join(sources, ", ")
	for _, p := range d.Python.Packages {
		if err := checkPackage(d.Name, p); err != nil {
			return err
		}
		in.packages = append(in.packages, p)
		in.decide("package " + strings.TrimSpace(p))
		if namesPath.MatchString(p) {
			in.decide("root " + d.Root)
		}
		if err := in.readLocalRequirement(p, d.Root, acct); err != nil {
			return unreadableLocal(d.Name, p, err)
		}
	}
	return in.readRequirements(d.Python.Requirements, d, acct)
}

// checkPackage refuses a package that the installer would read as an option.
func checkPackage(app modgw.AppName, p string) error {
	if t := strings.TrimSpace(p); t != "" && t[0] != '-' && !strings.ContainsAny(t, "\r\n\x00") {
		return nil
	}
	return &modgw.Fault{
		Code:    "MGW-ENV-006",
		Summary: fmt.Sprintf("cannot use %q as a package of app %q", p, app),
		Hint:    `write packages as "name", "name==1.2" or "name @ https://…"; options belong into a requirements file`,
	}
}

// readDemands finds the demands for the interpreter: of the descriptor, or else of the entry file,
// or else of the project.
func (in *inputs) readDemands(d modgw.Descriptor, acct *account.Account) error {
	if d.Python.Version != "" {
		dm, err := parseDemand(d.Python.Version, "python.version")
		if err != nil {
			return &modgw.Fault{
				Code:    "MGW-ENV-001",
				Summary: fmt.Sprintf("cannot use the Python version of app %q", d.Name),
				Err:     err,
				Hint:    `write "3.12", ">=3.10,<3.14", "pypy3.9", "3.14t" or the absolute path of an interpreter`,
			}
		}
		in.demands = []demand{dm}
		return nil
	}
	if len(in.demands) > 0 {
		return nil
	}
	return in.readProject(d.Root, acct)
}

// entryFile is the app's entry when it is a single file that can have a PEP 723 block, else "".
func entryFile(d modgw.Descriptor) string {
	entry := d.Entry()
	ext := filepath.Ext(entry)
	if !filepath.IsAbs(entry) || (ext != ".py" && ext != ".wsgi") {
		return ""
	}
	return entry
}
