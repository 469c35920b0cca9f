package venv

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// pyproject is the part of pyproject.toml about packages to install.
type pyproject struct {
	Project struct {
		Name         string
		Dependencies []string
		Optional     map[string][]string `toml:"optional-dependencies"`
		Dynamic      []string
	}
	Tool struct {
		Poetry *struct {
			Name         string
			PackageMode  *bool `toml:"package-mode"` // nil: true
			Dependencies map[string]any
		}
	}
	BuildSystem map[string]any   `toml:"build-system"`
	Groups      map[string][]any `toml:"dependency-groups"` // PEP 735
}

// isPackage reports whether the project itself is installed, as editable. Without a build system it
// is only a list of dependencies, as for uv.
func (p pyproject) isPackage() bool {
	return p.BuildSystem != nil && (p.Project.Name != "" || p.isPoetryPackage())
}

// isPoetryPackage reports whether Poetry's own table names the project, as before Poetry 2.
func (p pyproject) isPoetryPackage() bool {
	t := p.Tool.Poetry
	return t != nil && t.Name != "" && (t.PackageMode == nil || *t.PackageMode)
}

// saysNothing reports whether there is nothing in the file to install, as when it only has settings
// of linters.
func (p pyproject) saysNothing() bool {
	return !p.isPackage() && len(p.Project.Dependencies) == 0 && !slices.Contains(p.Project.Dynamic, "dependencies") && p.Groups == nil &&
		p.Project.Optional == nil
}

// readPyproject takes the dependencies of the project in root, if it names any, with the extras and
// groups that the descriptor asks for.
func (in *inputs) readPyproject(d modgw.Descriptor, acct *account.Account) (bool, error) {
	path := filepath.Join(d.Root, "pyproject.toml")
	in.watch(path)
	data, err := safepath.Opener{User: acct}.ReadFile(path, maxInputSize)
	asked := len(d.Python.Extras)+len(d.Python.Groups) > 0
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return false, nil
	}
	var project pyproject
	if err == nil {
		err = toml.Unmarshal(data, &project)
	}
	if err != nil {
		return true, unusableProject(d.Name, path, err)
	}
	if project.saysNothing() && !asked {
		if t := project.Tool.Poetry; t != nil && len(t.Dependencies) > 0 {
			in.tables = `[tool.poetry.dependencies] of "pyproject.toml" is not read: ` +
				"poetry export -o requirements.txt writes what the host reads"
		}
		return false, nil
	}
	in.source = "pyproject.toml" + selection(d.Python)
	if project.isPackage() {
		if err := in.readPackage(d, acct); err != nil {
			return true, unusableProject(d.Name, path, err)
		}
	} else if err = in.readDependencies(project, d.Python.Extras); err != nil {
		return true, unusableProject(d.Name, path, err)
	}
	done := map[string]bool{}
	for _, group := range d.Python.Groups {
		list, err := project.group(group, nil, done)
		if err != nil {
			return true, unusableProject(d.Name, path, err)
		}
		in.packages = append(in.packages, list...)
	}
	for _, p := range in.packages {
		if err := checkPackage(d.Name, p); err != nil {
			return true, unusableProject(d.Name, path, err)
		}
		in.decide("package " + strings.TrimSpace(p))
	}
	return true, nil
}

// readPackage lets the project itself be installed, which brings its dependencies.
func (in *inputs) readPackage(d modgw.Descriptor, acct *account.Account) error {
	in.editable = d.Root
	if len(d.Python.Extras) > 0 {
		in.editable += "[" + strings.Join(d.Python.Extras, ",") + "]"
	}
	in.decide("editable " + in.editable)
	return in.readLocal(d.Root, true, acct)
}

func (in *inputs) readDependencies(project pyproject, extras []string) error {
	in.packages = append(in.packages, project.Project.Dependencies...)
	done := map[string]bool{}
	for _, extra := range extras {
		list, err := project.extra(extra, done)
		if err != nil {
			return err
		}
		in.packages = append(in.packages, list...)
	}
	return nil
}

// extra lists the requirements of an extra. If it names the project itself with other extras,
// theirs are listed instead. Extras in done are not listed again.
func (p pyproject) extra(name string, done map[string]bool) ([]string, error) {
	if done[normalName(name)] {
		return nil, nil
	}
	done[normalName(name)] = true
	for key, list := range p.Project.Optional {
		if normalName(key) != normalName(name) {
			continue
		}
		var all []string
		for _, requirement := range list {
			inner, own := p.ownExtras(requirement)
			if !own {
				all = append(all, requirement)
			}
			for _, extra := range inner {
				more, err := p.extra(extra, done)
				if err != nil {
					return nil, err
				}
				all = append(all, more...)
			}
		}
		return all, nil
	}
	return nil, fmt.Errorf("it has no extra %q", name)
}

// ownExtras are the extras in a requirement that names the project itself, as "blog[web,mail]"
// does.
func (p pyproject) ownExtras(requirement string) (extras []string, own bool) {
	name, rest, found := strings.Cut(requirement, "[")
	list, _, closed := strings.Cut(rest, "]")
	if !found || !closed || normalName(strings.TrimSpace(name)) != normalName(p.Project.Name) {
		return nil, false
	}
	for extra := range strings.SplitSeq(list, ",") {
		extras = append(extras, strings.TrimSpace(extra))
	}
	return extras, true
}

// group lists the requirements of a dependency group and of the groups that it includes. Groups in
// done are not listed again; within are the groups that are being listed.
func (p pyproject) group(name string, within []string, done map[string]bool) ([]string, error) {
	if slices.Contains(within, normalName(name)) {
		return nil, fmt.Errorf("the dependency group %q includes itself", name)
	}
	if done[normalName(name)] {
		return nil, nil
	}
	done[normalName(name)] = true
	for key, list := range p.Groups {
		if normalName(key) != normalName(name) {
			continue
		}
		var all []string
		for _, item := range list {
			switch v := item.(type) {
			case string:
				all = append(all, v)
			case map[string]any:
				included, _ := v["include-group"].(string)
				more, err := p.group(included, append(within, normalName(key)), done)
				if err != nil {
					return nil, err
				}
				all = append(all, more...)
			}
		}
		return all, nil
	}
	return nil, fmt.Errorf("it has no dependency group %q", name)
}

// selection names the extras and groups for people: " [web] with group prod".
func selection(p modgw.Python) string {
	text := ""
	if len(p.Extras) > 0 {
		text = " [" + strings.Join(p.Extras, ",") + "]"
	}
	for _, group := range p.Groups {
		text += " with group " + group
	}
	return text
}

// installationTables are the tables of pyproject.toml that can affect an installation.
var installationTables = []string{
	"uv", "setuptools", "setuptools_scm", "hatch", "poetry", "pdm", "flit", "maturin", "meson-python", "scikit-build",
}

// installationPart returns the part of a pyproject.toml that affects an installation, in normal
// form: spelling and settings of linters do not count.
func installationPart(content string) string {
	var all map[string]any
	if _, err := toml.Decode(content, &all); err != nil {
		return content
	}
	written, _ := all["tool"].(map[string]any)
	tools := map[string]any{}
	for _, name := range installationTables {
		if table, ok := written[name]; ok {
			tools[name] = table
		}
	}
	part, err := json.Marshal([]any{all["project"], all["build-system"], all["dependency-groups"], tools})
	if err != nil {
		return content
	}
	return string(part)
}

func unusableProject(app modgw.AppName, path string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-ENV-023",
		Summary: fmt.Sprintf("cannot learn from %q what app %q needs", path, app),
		Err:     err,
		Hint:    "fix the file, or name requirements or packages in the descriptor",
	}
}
