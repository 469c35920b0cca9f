package venv

import (
	"context"

	"github.com/modgw/modgw/modgw"
)

// pythonRecipe makes a virtual environment.
type pythonRecipe struct {
	inputs      inputs
	interpreter interpreter
	tool        tool     // nil for one that exists already
	settings    []string // where packages come from
}

func isPython(d modgw.Descriptor) bool { return d.Kind == modgw.KindWSGI || d.Kind == modgw.KindASGI }

// pythonRecipe finds the inputs, the interpreter and the tool.
func (b *Builder) pythonRecipe(ctx context.Context, p *plan) (*pythonRecipe, error) {
	in, err := readInputs(p.descriptor, p.account)
	if err != nil {
		return nil, err
	}
	r := &pythonRecipe{inputs: in, settings: p.host.indexSettings()}
	s := search{builder: b, account: p.account, host: p.host, app: p.descriptor.Name, demands: in.demands, say: p.say}
	if r.interpreter, err = s.find(ctx); err != nil {
		return nil, err
	}
	r.tool, err = b.chooseTool(ctx, p, r)
	return r, err
}

func (r *pythonRecipe) identity() [][]string {
	if r.tool == nil {
		return [][]string{r.interpreter.identity(), r.inputs.decisive}
	}
	return [][]string{r.interpreter.identity(), {r.tool.String()}, r.settings, r.inputs.decisive}
}

func (r *pythonRecipe) program(dir string) string { return pythonIn(dir) }

func (r *pythonRecipe) build(ctx context.Context, b *Builder, c *construction) error {
	p := c.plan
	c.environ = append(append(p.host.buildSettings(), c.environ...), pythonBuildSettings(c.cache)...)
	p.say("creating the environment with %s", r.interpreter)
	if err := r.tool.create(ctx, c, r); err != nil {
		return c.fault(pythonComplaints, "MGW-ENV-008", "cannot create the environment of app %q", err)
	}
	if !r.inputs.isEmpty() {
		p.say("installing from %s with %s", r.inputs.source, r.tool)
		if err := r.tool.install(ctx, c, r); err != nil {
			return c.fault(pythonComplaints, "MGW-ENV-010", "cannot install the packages of app %q", err)
		}
	}
	if _, err := b.askOnly(ctx, pythonIn(p.dir), p.account); err != nil {
		return c.fault(nil, "MGW-ENV-008", "cannot create the environment of app %q", err)
	}
	return nil
}

func (r *pythonRecipe) describe(dir string, m *marker) (err error) {
	m.Source, m.Builder = r.inputs.source, r.tool.String()
	m.Interpreter, m.Version = r.interpreter.Path, r.interpreter.String()
	m.Packages, err = installedPackages(dir)
	return err
}

func (r *pythonRecipe) environment(dir string, m marker) modgw.Environment {
	env := modgw.Environment{
		Interpreter:  pythonIn(dir),
		Version:      r.interpreter.String(),
		FreeThreaded: r.interpreter.FreeThreaded,
		Variables:    variables(dir),
		Source:       r.inputs.source,
		Packages:     m.Packages,
	}
	if r.tool != nil {
		env.Builder = r.tool.String()
	}
	return env
}

// requirementArgs is what pip and uv pip are asked to install.
func (r *pythonRecipe) requirementArgs() []string {
	var args []string
	if r.inputs.hashed {
		args = append(args, "--require-hashes")
	}
	for _, file := range r.inputs.files {
		args = append(args, "-r", file)
	}
	if r.inputs.editable != "" {
		args = append(args, "-e", r.inputs.editable)
	}
	if len(r.inputs.packages) > 0 {
		args = append(append(args, "--"), r.inputs.packages...)
	}
	return args
}
