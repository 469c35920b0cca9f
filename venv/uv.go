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
	noIndex bool     // pip is told to use no index, and uv has no variable for that
	environ []string // what pip is told of indexes, in uv's words
}

func (u uvTool) String() string { return "uv " + u.version }

// findUV looks for a uv that the account can run. It finds none where a configuration file of pip says where packages
// come from and uv has no such word: uv does not read that file, and would take packages from elsewhere.
func (b *Builder) findUV(ctx context.Context, acct *account.Account) (uvTool, bool) {
	version, ok := b.uvVersion(ctx, acct)
	if !ok || b.host.onlyPipKnowsIndex() {
		return uvTool{}, false
	}
	u := uvTool{path: b.host.find("uv"), version: version}
	if !b.host.uvKnowsIndex() {
		u.noIndex, u.environ = b.host.inWordsOfUV()
	}
	return u, true
}

// uvVersion asks uv for its version; false when the account cannot run it.
func (b *Builder) uvVersion(ctx context.Context, acct *account.Account) (string, bool) {
	path := b.host.find("uv")
	_, state, err := fileState(path, acct)
	if err != nil {
		return "", false
	}
	key := answerKey{path, state, uidOf(acct)}
	if version, ok := b.uvs.get(key); ok {
		return version, true
	}
	p := process{account: acct, dir: "/", env: []string{"PATH=" + safePath, "HOME=/"}, args: []string{path, "--version"}}
	out, err := p.output(ctx)
	fields := strings.Fields(out)
	if err != nil || len(fields) < 2 || fields[0] != "uv" {
		return "", false
	}
	b.uvs.put(key, fields[1])
	return fields[1], true
}

func (u uvTool) create(ctx context.Context, c *construction) error {
	// The folder is there already, with the home of the build in it.
	return c.run(ctx, "uv", u.path, "venv", "--quiet", "--no-project", "--allow-existing",
		"--python", c.plan.interpreter.Path, c.plan.dir)
}

func (u uvTool) install(ctx context.Context, c *construction) error {
	args := []string{u.path, "pip", "install", "--python", c.python()}
	if u.noIndex {
		args = append(args, "--no-index")
	}
	c.environ = append(c.environ, u.environ...)
	return c.run(ctx, "uv", append(args, c.requirementArgs()...)...)
}
