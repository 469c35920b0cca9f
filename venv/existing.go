package venv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// planExisting looks at the virtual environment that the descriptor names, without touching it.
func (b *Builder) planExisting(ctx context.Context, p *plan) (err error) {
	dir := p.descriptor.Python.Venv
	p.existing, p.dir = true, dir
	r := &pythonRecipe{inputs: inputs{source: "venv " + dir}}
	p.recipe = r
	p.python = existingPython(dir, p.account)
	r.interpreter, err = b.askOnly(ctx, p.python, p.account, p.descriptor.Sandbox)
	if err == nil && r.interpreter.Prefix == r.interpreter.BasePrefix && !isPrefix(dir, r.interpreter, p.account) {
		err = errors.New("its bin/python belongs to no virtual environment")
	}
	if err == nil && r.interpreter.tooOld() {
		err = fmt.Errorf("it has %s, and apps need Python 3.8 or newer", r.interpreter)
	}
	if err != nil {
		return &modgw.Fault{
			Code:    "MGW-ENV-021",
			Summary: fmt.Sprintf("cannot use the virtual environment %q of app %q", dir, p.descriptor.Name),
			Err:     err,
			Hint:    "make it again with python3 -m venv, or let the host make one: take venv out of the descriptor",
		}
	}
	var config []byte
	config, err = safepath.Opener{User: p.account}.ReadFile(filepath.Join(dir, "pyvenv.cfg"), maxInputSize)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	r.inputs.decide(dir, string(config))
	p.nameEnvironment(b)
	p.dir = dir
	return nil
}

// existingPython is the interpreter of an environment: bin/python, or bin/python3 where there is
// only that, as in /usr of Debian.
func existingPython(dir string, acct *account.Account) string {
	python := pythonIn(dir)
	if _, _, err := fileState(python, acct); err != nil {
		if _, _, err := fileState(python+"3", acct); err == nil {
			return python + "3"
		}
	}
	return python
}

// isPrefix reports whether dir is itself where a whole Python is installed, as conda does for each
// of its environments.
func isPrefix(dir string, i interpreter, acct *account.Account) bool {
	real, _, err := fileState(dir, acct)
	if err != nil {
		return false
	}
	prefix, _, err := fileState(i.Prefix, acct)
	return err == nil && real == prefix
}

// existingEnvironment is the environment that planExisting looked at. It has no ID, because nothing
// was built.
func (p *plan) existingEnvironment() *modgw.Environment {
	var packages []modgw.Package
	_ = p.account.Do(func() (err error) { // for display only
		packages, err = installedPackages(p.dir)
		return err
	})
	env := p.recipe.environment(p.dir, marker{Packages: packages})
	env.Dir, env.Interpreter = p.dir, p.python
	return &env
}
