package venv

import (
	"context"
	"fmt"
	"slices"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// pythonRecipe makes a virtual environment.
type pythonRecipe struct {
	inputs      inputs
	interpreter interpreter
	tool        tool     // nil until the environment is built, and for an existing one
	settings    []string // settings of package indexes
}

// pythonRecipe finds the inputs and the interpreter. Only a build needs a tool, so that an
// environment that is there already is used where uv or pip is not.
func (b *Builder) pythonRecipe(ctx context.Context, p *plan) (*pythonRecipe, error) {
	in, err := readInputs(p.descriptor, p.account)
	if err != nil {
		return nil, err
	}
	r := &pythonRecipe{inputs: in, settings: p.host.indexSettings()}
	s := search{builder: b, account: p.account, host: p.host, app: p.descriptor.Name, sandbox: p.descriptor.Sandbox, demands: in.demands, say: p.say}
	r.interpreter, err = s.find(ctx)
	return r, err
}

func (r *pythonRecipe) identity() [][]string {
	// Not the tool: the environment that the host built with one uv is that which a command finds
	// with another in its PATH.
	return [][]string{r.interpreter.identity(), r.settings, r.inputs.decisive}
}

func (r *pythonRecipe) program(dir string) string { return pythonIn(dir) }

func (r *pythonRecipe) build(ctx context.Context, b *Builder, c *construction) (err error) {
	p := c.plan
	if r.tool, err = b.chooseTool(ctx, p, r); err != nil {
		return err
	}
	c.environ = slices.Concat(
		p.host.buildSettings(), buildVariables(p.descriptor, r.inputs.referenced...), c.environ, pythonBuildSettings(c.cache))
	p.say("creating the environment with %s", r.interpreter)
	p.sayNotes(r.inputs)
	if err := r.tool.create(ctx, c, r); err != nil {
		return c.fault(pythonComplaints, "MGW-ENV-008", "cannot create the environment of app %q", err)
	}
	if !r.inputs.isEmpty() {
		p.say("installing from %s with %s", r.inputs.source, r.tool)
		if err := r.tool.install(ctx, c, r); err != nil {
			if otherPython.MatchString(c.printed.tail()) {
				return r.needsOtherPython(c, err)
			}
			return c.fault(pythonComplaints, "MGW-ENV-010", "cannot install the packages of app %q", err)
		}
	}
	if _, err := b.askOnly(ctx, pythonIn(p.dir), p.account, p.descriptor.Sandbox); err != nil {
		return c.fault(nil, "MGW-ENV-008", "cannot create the environment of app %q", err)
	}
	return nil
}

// otherPython matches messages of pip and uv about packages that exist only for another version of
// Python.
var otherPython = lazyregexp.New(`(?i)require a different python version|requires a different python|` +
	`current python version \([^)]*\) does not satisfy|requested python version .* does not satisfy|` +
	`requires-python .* (incompatible|is not compatible)`)

// needsOtherPython is the fault for packages of which no version fits the interpreter.
func (r *pythonRecipe) needsOtherPython(c *construction, err error) error {
	return &modgw.Fault{
		Code: "MGW-ENV-033",
		Summary: fmt.Sprintf("cannot install the packages of app %q: no version of one of them fits %s",
			c.plan.descriptor.Name, r.interpreter),
		Output: c.printed.tail(),
		Err:    err,
		Hint:   `ask for the Python that is named above, such as python { version = ">=3.12" }, or for an older version of the package`,
	}
}

func (r *pythonRecipe) describe(dir string, m *marker) (err error) {
	m.Source, m.Builder = r.inputs.source, r.tool.String()
	m.Interpreter, m.Version = r.interpreter.Path, r.interpreter.String()
	m.Packages, err = installedPackages(dir)
	return err
}

func (r *pythonRecipe) environment(dir string, m marker) modgw.Environment {
	return modgw.Environment{
		Interpreter:  pythonIn(dir),
		Version:      r.interpreter.String(),
		FreeThreaded: r.interpreter.FreeThreaded,
		Variables:    variables(dir),
		Source:       r.inputs.source,
		Packages:     m.Packages,
		Unread:       r.inputs.unread,
		Builder:      m.Builder,
	}
}

// requirementArgs returns the requirements as arguments of pip and uv pip.
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
