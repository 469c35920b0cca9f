package venv

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// goRecipe builds a program from the app's own module.
type goRecipe struct {
	tool     string // path of the go command
	identify string // changes when the go command is replaced
	sources  goSources
	settings []string // variables of the host's environment for the go command

	variables []string // variables of build_env
	pkg       string   // the main package, as the descriptor has it
	name      string   // name of the program
}

// goRecipe finds the go command and the sources.
func (b *Builder) goRecipe(p *plan) (*goRecipe, error) {
	d := p.descriptor
	r := &goRecipe{tool: p.host.findGo(), pkg: cmp.Or(d.Go.Package, "."), settings: p.host.goSettings(),
		variables: settingsOf(d.BuildEnv)}
	real, state, err := fileState(r.tool, p.account)
	if err != nil {
		return nil, withoutGo(d.Name)
	}
	r.identify = real + " " + state
	if r.name = filepath.Base(filepath.Join(d.Root, r.pkg)); r.name == "/" || r.name == "..." {
		r.name = "app"
	}
	if r.sources, err = readGoSources(d.Root, p.account); err != nil {
		return nil, &modgw.Fault{
			Code:    "MGW-ENV-026",
			Summary: fmt.Sprintf("cannot build the Go program of app %q", d.Name),
			Err:     err,
			Hint:    "the app's user must be able to read all of the module",
		}
	}
	return r, nil
}

func (r *goRecipe) identity() [][]string {
	// The root decides which of a module's packages "./cmd/shop" is, but not where the module is on
	// the disk.
	return [][]string{{"go", r.identify, r.sources.within, r.pkg, r.name}, r.sources.digests, r.settings, r.variables}
}

func (r *goRecipe) program(dir string) string { return filepath.Join(dir, "bin", r.name) }

func (r *goRecipe) build(ctx context.Context, _ *Builder, c *construction) error {
	p := c.plan
	c.environ = append(slices.Concat(r.settings, buildVariables(p.descriptor), c.environ),
		"PATH="+filepath.Dir(r.tool)+":"+safePath, "GOCACHE="+filepath.Join(c.cache, "go-build"),
		"GOMODCACHE="+filepath.Join(c.cache, "go-mod"), "GOPATH="+filepath.Join(c.scratch(), "go"), "GOENV=off")
	p.say("building %s from %s", r.pkg, r.sources.name())
	// The commit is not stamped into the program: git refuses to read another user's
	// repository.
	err := c.run(ctx, "go", r.tool, "build", "-buildvcs=false", "-trimpath", "-modcacherw", "-o", r.program(p.dir), r.pkg)
	if err != nil {
		return r.fault(c, err)
	}
	if _, err := r.buildInfo(p); err != nil {
		return &modgw.Fault{
			Code:    "MGW-ENV-026",
			Summary: fmt.Sprintf("cannot build the Go program of app %q: %q is not a main package", p.descriptor.Name, r.pkg),
			Hint:    "set go.package to the folder of the program, such as \"./cmd/shop\"",
		}
	}
	return nil
}

// fault makes the error of a failed go command. Its summary has the first error of the compiler.
func (r *goRecipe) fault(c *construction, err error) error {
	summary := "cannot build the Go program of app %q"
	if place := goErrorLine.FindString(c.printed.tail()); place != "" {
		summary += ": " + strings.ReplaceAll(place, "%", "%%")
	}
	return c.fault(goComplaints, "MGW-ENV-026", summary, err)
}

func (r *goRecipe) buildInfo(p *plan) (info *buildinfo.BuildInfo, err error) {
	err = p.account.Do(func() error {
		path := r.program(p.dir)
		stat, err := os.Stat(path)
		if err == nil && stat.Mode()&0o111 == 0 {
			err = errors.New("it cannot be run")
		}
		if err == nil {
			info, err = buildinfo.ReadFile(path)
		}
		return err
	})
	return info, err
}

func (r *goRecipe) describe(dir string, m *marker) error {
	info, err := buildinfo.ReadFile(r.program(dir))
	if err != nil {
		return err
	}
	m.Source, m.Builder, m.Version, m.Interpreter = r.sources.name(), info.GoVersion, info.GoVersion, r.tool
	m.Packages = []modgw.Package{}
	for _, dep := range info.Deps {
		m.Packages = append(m.Packages, modgw.Package{Name: dep.Path, Version: dep.Version})
	}
	return nil
}

func (r *goRecipe) environment(dir string, m marker) modgw.Environment {
	return modgw.Environment{
		Binary:    r.program(dir),
		Version:   m.Version,
		Variables: []string{"PATH=" + filepath.Join(dir, "bin") + ":" + safePath},
		Source:    r.sources.name(),
		Builder:   m.Builder,
		Packages:  m.Packages,
	}
}
