package venv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/modgw/modgw/modgw"
)

// tool makes virtual environments and installs into them. Its String is shown in progress messages
// and kept in the marker. It is not part of the hash that names an environment.
type tool interface {
	String() string
	create(ctx context.Context, c *construction, r *pythonRecipe) error
	install(ctx context.Context, c *construction, r *pythonRecipe) error
}

// chooseTool returns uv if it is found, else the interpreter's own pip, else the pip of venv. PyPy
// uses pip.
func (b *Builder) chooseTool(ctx context.Context, p *plan, r *pythonRecipe) (tool, error) {
	if r.inputs.needsUV() {
		uv, ok := b.lockingUV(ctx, p)
		if !ok {
			return nil, withoutUV(p, r)
		}
		return uv, nil
	}
	if r.interpreter.Implementation == cpython {
		if uv, ok := b.findUV(ctx, p); ok {
			return uv, nil
		}
	}
	if r.inputs.unpinnable != nil && !pipReadsLocks(r.interpreter.Pip) {
		return nil, unreadableLock(p, r)
	}
	switch i := r.interpreter; {
	case atLeast(i.Pip, 22, 3):
		return outerPip{version: i.Pip}, nil
	case i.EnsurePip:
		return innerPip{}, nil
	case r.inputs.isEmpty():
		return outerPip{}, nil // makes an empty environment, for which pip is not needed
	}
	return nil, withoutPip(p, r)
}

func withoutPip(p *plan, r *pythonRecipe) error {
	major, minor := versionNumbers(r.interpreter.Version)
	hint := "install uv, or pip 22.3 or newer for this Python"
	if _, err := os.Stat("/etc/debian_version"); err == nil && filepath.Dir(r.interpreter.Path) == "/usr/bin" {
		hint = fmt.Sprintf("apt install python%d.%d-venv, or python3-pip, or install uv", major, minor)
	}
	return &modgw.Fault{
		Code: "MGW-ENV-009",
		Summary: fmt.Sprintf("cannot install packages for app %q: %s at %q has neither pip nor ensurepip",
			p.descriptor.Name, r.interpreter, r.interpreter.Path),
		Hint: hint,
	}
}
