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
	return installWithPip(ctx, c, c.plan.interpreter.Path, "-I", "-m", "pip", "--python", c.python(), "install")
}

// innerPip is the pip that the venv module puts into the environment itself.
type innerPip struct{}

func (innerPip) String() string { return "pip of ensurepip" }

func (innerPip) create(ctx context.Context, c *construction) error {
	return c.run(ctx, "venv", c.plan.interpreter.Path, "-I", "-m", "venv", c.plan.dir)
}

func (innerPip) install(ctx context.Context, c *construction) error {
	return installWithPip(ctx, c, c.python(), "-I", "-m", "pip", "install")
}

// installWithPip lets pip install what was found. A lock it gets as requirements, unless they cannot say what the lock
// says; then this pip is new enough to read it.
func installWithPip(ctx context.Context, c *construction, pip ...string) error {
	in := c.plan.inputs
	switch {
	case in.lock == "":
		return c.run(ctx, "pip", append(pip, c.requirementArgs()...)...)
	case in.unpinnable != nil:
		return c.run(ctx, "pip", append(pip, "-r", in.lock)...)
	case len(in.pins) == 0:
		return nil
	}
	file, err := c.writePins(in.pins)
	if err != nil {
		return err
	}
	return c.run(ctx, "pip", append(pip, "--require-hashes", "--no-deps", "-r", file)...)
}
