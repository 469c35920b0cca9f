package venv

import (
	"context"
	"strings"

	"github.com/modgw/modgw/internal/account"
)

// uvTool is Astral's uv.
type uvTool struct {
	path    string
	version string
}

func (u uvTool) String() string { return "uv " + u.version }

// findUV looks for a uv that the account can run.
func (b *Builder) findUV(ctx context.Context, acct *account.Account) (uvTool, bool) {
	path := b.host.find("uv")
	_, state, err := fileState(path, acct)
	if err != nil {
		return uvTool{}, false
	}
	key := answerKey{path, state, uidOf(acct)}
	if version, ok := b.uvs.get(key); ok {
		return uvTool{path: path, version: version}, true
	}
	p := process{account: acct, dir: "/", env: []string{"PATH=" + safePath, "HOME=/"}, args: []string{path, "--version"}}
	out, err := p.output(ctx)
	fields := strings.Fields(out)
	if err != nil || len(fields) < 2 || fields[0] != "uv" {
		return uvTool{}, false
	}
	b.uvs.put(key, fields[1])
	return uvTool{path: path, version: fields[1]}, true
}

func (u uvTool) create(ctx context.Context, c *construction) error {
	// The folder is there already, with the home of the build in it.
	return c.run(ctx, "uv", u.path, "venv", "--quiet", "--no-project", "--allow-existing",
		"--python", c.plan.interpreter.Path, c.plan.dir)
}

func (u uvTool) install(ctx context.Context, c *construction) error {
	args := []string{u.path, "pip", "install", "--python", c.python()}
	return c.run(ctx, "uv", append(args, c.requirementArgs()...)...)
}
