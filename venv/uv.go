package venv

import (
	"context"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// uvTool is Astral's uv.
type uvTool struct {
	path    string
	version string
	noIndex bool     // pip uses no index, and uv has no variable for that
	environ []string // pip's settings of indexes, as uv's variables
}

func (u uvTool) String() string { return "uv " + u.version }

// findUV looks for a uv that the building user can run. It finds none if a configuration file of
// pip sets the source of packages and uv is not configured accordingly: uv does not read that file,
// and would get packages from elsewhere.
func (b *Builder) findUV(ctx context.Context, p *plan) (uvTool, bool) {
	version, ok := b.uvVersion(ctx, p)
	if !ok || p.host.onlyPipKnowsIndex() {
		return uvTool{}, false
	}
	return p.uvTool(version), true
}

// lockingUV is findUV for a lock of uv, which contains the sources of packages.
func (b *Builder) lockingUV(ctx context.Context, p *plan) (uvTool, bool) {
	version, ok := b.uvVersion(ctx, p)
	return p.uvTool(version), ok
}

func (p *plan) uvTool(version string) uvTool {
	u := uvTool{path: p.host.find("uv"), version: version}
	if !p.host.uvKnowsIndex() {
		u.noIndex, u.environ = p.host.inWordsOfUV()
	}
	return u
}

// uvVersion asks uv for its version; false when the user who builds cannot run it, within the app's
// sandbox if it has one.
func (b *Builder) uvVersion(ctx context.Context, p *plan) (string, bool) {
	path := p.host.find("uv")
	_, state, err := fileState(path, p.account)
	if err != nil {
		return "", false
	}
	key := answerKey{path, state, uidOf(p.account)}
	rules := p.confine(path, nil)
	if version, ok := b.uvs.Load(key); ok && rules == nil {
		return version.(string), true
	}
	asked := process{
		account: p.account, dir: "/", env: []string{"PATH=" + safePath, "HOME=/"}, args: []string{path, "--version"}, rules: rules,
	}
	out, err := asked.output(ctx)
	fields := strings.Fields(out)
	if err != nil || len(fields) < 2 || fields[0] != "uv" {
		return "", false
	}
	b.uvs.Store(key, fields[1])
	return fields[1], true
}

func (u uvTool) create(ctx context.Context, c *construction, r *pythonRecipe) error {
	// The folder is there already, with the home of the build in it.
	return c.run(ctx, "uv", u.path, "venv", "--quiet", "--no-project", "--allow-existing",
		"--python", r.interpreter.Path, c.plan.dir)
}

func (u uvTool) install(ctx context.Context, c *construction, r *pythonRecipe) error {
	c.environ = append(c.environ, u.environ...)
	in := r.inputs
	if in.needsUV() {
		return c.run(ctx, "uv", append(u.syncArgs(c, r), u.sourceArgs(in)...)...)
	}
	args := append([]string{u.path, "pip", "install", "--python", pythonIn(c.plan.dir)}, u.sourceArgs(in)...)
	if in.lock != "" {
		args = append(args, "-r", in.lock)
		return c.run(ctx, "uv", append(args, selectionArgs(c.plan.descriptor.Python)...)...)
	}
	return c.run(ctx, "uv", append(args, r.requirementArgs()...)...)
}

// sourceArgs returns the arguments about sources of packages. uv must not reuse its build of a
// local project: it would do so as long as pyproject.toml stays, even if the code has changed.
func (u uvTool) sourceArgs(in inputs) []string {
	var args []string
	if u.noIndex {
		args = append(args, "--no-index")
	}
	if in.copies {
		args = append(args, "--refresh")
	}
	return args
}

// syncArgs returns the arguments that install exactly a lock of uv. The app's own project, if it is
// a package, is installed as editable, so that its present code runs and not a copy from the time
// of the build.
func (u uvTool) syncArgs(c *construction, r *pythonRecipe) []string {
	in := r.inputs
	args := []string{u.path, "sync", "--locked", "--python", r.interpreter.Path}
	if in.script != "" {
		c.environ = append(c.environ, "VIRTUAL_ENV="+c.plan.dir)
		return append(args, "--active", "--script", in.script)
	}
	c.environ = append(c.environ, "UV_PROJECT_ENVIRONMENT="+c.plan.dir)
	args = append(args, "--no-dev", "--project", in.project)
	return append(args, selectionArgs(c.plan.descriptor.Python)...)
}

// selectionArgs ask for extras and groups.
func selectionArgs(p modgw.Python) []string {
	var args []string
	for _, extra := range p.Extras {
		args = append(args, "--extra", extra)
	}
	for _, group := range p.Groups {
		args = append(args, "--group", group)
	}
	return args
}
