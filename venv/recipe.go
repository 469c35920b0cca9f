package venv

import (
	"context"

	"github.com/modgw/modgw/modgw"
)

// recipe builds one kind of environment.
type recipe interface {
	// identity returns all facts that make another environment if they change.
	identity() [][]string

	// build fills the folder of the environment. It returns a fault, or the cause of ctx.
	build(ctx context.Context, b *Builder, c *construction) error

	// program is the file in the environment without which it is none.
	program(dir string) string

	// describe fills in the parts of a marker that are for people, for an environment that was
	// built in dir.
	describe(dir string, m *marker) error

	// environment returns the part of the environment in dir that processes need to know.
	environment(dir string, m marker) modgw.Environment
}

// needsNothing reports whether nothing is built for d, regardless of its files.
func needsNothing(d modgw.Descriptor) bool {
	switch d.Kind {
	case modgw.KindGo, modgw.KindHTTP:
		return false
	}
	return d.Build == nil && !d.UsesPython()
}

// recipe finds the one for the plan's descriptor; nil when the app needs no environment.
func (b *Builder) recipe(ctx context.Context, p *plan) (recipe, error) {
	switch d := p.descriptor; {
	case d.UsesPython():
		return b.pythonRecipe(ctx, p)
	case d.Kind == modgw.KindGo:
		return b.goRecipe(p)
	case d.Kind == modgw.KindHTTP:
		return b.nodeRecipe(p)
	}
	return nil, nil
}
