package venv

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// outerPip is the pip of the interpreter that an environment is made with. It installs from
// outside, so that no time is spent on putting a pip into every environment and none is there in
// production.
type outerPip struct {
	version string // "" when nothing is to be installed and there is none
}

func (p outerPip) String() string { return "pip " + p.version }

func (p outerPip) create(ctx context.Context, c *construction, r *pythonRecipe) error {
	return c.run(ctx, "venv", r.interpreter.Path, "-I", "-m", "venv", "--without-pip", c.plan.dir)
}

func (p outerPip) install(ctx context.Context, c *construction, r *pythonRecipe) error {
	return installWithPip(ctx, c, r, r.interpreter.Path, "-I", "-m", "pip", "--python", pythonIn(c.plan.dir), "install")
}

// innerPip is the pip that the venv module puts into the environment itself.
type innerPip struct{}

func (innerPip) String() string { return "pip of ensurepip" }

func (innerPip) create(ctx context.Context, c *construction, r *pythonRecipe) error {
	return c.run(ctx, "venv", r.interpreter.Path, "-I", "-m", "venv", c.plan.dir)
}

func (innerPip) install(ctx context.Context, c *construction, r *pythonRecipe) error {
	return installWithPip(ctx, c, r, pythonIn(c.plan.dir), "-I", "-m", "pip", "install")
}

// installWithPip installs the inputs with pip. A lock is passed as requirements, unless they cannot
// express it; then this pip is new enough to read the lock.
func installWithPip(ctx context.Context, c *construction, r *pythonRecipe, pip ...string) error {
	in := r.inputs
	switch {
	case in.lock == "":
		return c.run(ctx, "pip", append(pip, r.requirementArgs()...)...)
	case in.unpinnable != nil:
		return c.run(ctx, "pip", append(pip, pipLockArgs(in.lock, c.plan.descriptor.Python)...)...)
	case len(in.pins) == 0:
		return nil
	}
	file, err := c.writePins(in.pins)
	if err != nil {
		return err
	}
	return c.run(ctx, "pip", append(pip, "--require-hashes", "--no-deps", "-r", file)...)
}

// pipLockArgs returns the arguments of pip 26.1 and newer for a lock with extras and groups.
func pipLockArgs(lock string, p modgw.Python) []string {
	args := []string{"-r", lock}
	if len(p.Extras) > 0 {
		args[1] += "[" + strings.Join(p.Extras, ",") + "]"
	}
	for _, group := range p.Groups {
		args = append(args, "--group", lock+":"+group)
	}
	return args
}

// writePins writes requirements into a file that goes away with the rest of the scratch folder.
func (c *construction) writePins(pins []string) (string, error) {
	path := filepath.Join(c.scratch(), "pins.txt")
	return path, c.plan.account.Do(func() error {
		return os.WriteFile(path, []byte(strings.Join(pins, "\n")+"\n"), 0o600)
	})
}
