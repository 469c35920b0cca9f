package venv

import "context"

// outerPip is the pip of the interpreter that an environment is made with. It installs from outside, so that no time is
// spent on putting a pip into every environment and none is there in production.
type outerPip struct {
	version string // "" when nothing is to be installed and there is none
}

func (p outerPip) String() string { return "pip " + p.version }

func (p outerPip) create(ctx context.Context, c *construction) error {
	return c.run(ctx, "venv", c.plan.interpreter.Path, "-I", "-m", "venv", "--without-pip", c.plan.dir)
}

func (p outerPip) install(ctx context.Context, c *construction) error {
	args := []string{c.plan.interpreter.Path, "-I", "-m", "pip", "--python", c.python(), "install"}
	return c.run(ctx, "pip", append(args, c.requirementArgs()...)...)
}

// innerPip is the pip that the venv module puts into the environment itself.
type innerPip struct{}

func (innerPip) String() string { return "pip of ensurepip" }

func (innerPip) create(ctx context.Context, c *construction) error {
	return c.run(ctx, "venv", c.plan.interpreter.Path, "-I", "-m", "venv", c.plan.dir)
}

func (innerPip) install(ctx context.Context, c *construction) error {
	args := []string{c.python(), "-I", "-m", "pip", "install"}
	return c.run(ctx, "pip", append(args, c.requirementArgs()...)...)
}
