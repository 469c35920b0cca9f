package venv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// nodeRecipe installs the packages of package-lock.json, outside the app's root.
type nodeRecipe struct {
	node, npm string   // their paths
	identify  []string // changes when node or npm is replaced
	files     nodeFiles
	versions  [2]string // versions of node and npm, once they were asked
	all       bool      // devDependencies, too, for the build block
	settings  []string
	variables []string // variables of build_env
}

// nodeFiles are the files of an app that npm reads, by name.
type nodeFiles map[string][]byte

// nodeInputs are the names of those files. The app has an environment when the first is there.
var nodeInputs = []string{"package-lock.json", "package.json", ".npmrc"}

// nodeRecipe returns nil for a program that is not of Node.js, for one without package-lock.json or
// with its own node_modules folder, and if the descriptor asks for no installation.
func (b *Builder) nodeRecipe(p *plan) (recipe, error) {
	d := p.descriptor
	if d.HTTP.KeepPackages || !isNodeProgram(d) {
		return nil, nil
	}
	files, err := readNodeFiles(d.Root, p.account)
	if err != nil {
		return nil, unusableProject(d.Name, filepath.Join(d.Root, nodeInputs[0]), err)
	}
	if files == nil {
		p.unread = unlockedPackages(d.Root, p.account)
		return nil, nil
	}
	r := &nodeRecipe{
		node: p.host.findIn("node"), npm: p.host.findIn("npm"), files: files, all: d.Build != nil, settings: p.host.npmSettings(),
		variables: settingsOf(d.BuildEnv),
	}
	for _, program := range []string{r.node, r.npm} {
		real, state, err := fileState(program, p.account)
		if err != nil {
			return nil, withoutNode(d.Name)
		}
		r.identify = append(r.identify, real, state)
	}
	return r, nil
}

// nodeCommands are the programs that run JavaScript with the packages of a node_modules folder.
var nodeCommands = []string{"node", "nodejs", "npm", "npx", "yarn", "pnpm", "corepack", "tsx", "ts-node"}

// isNodeProgram reports whether the app's command, or that of its build block, runs with packages
// of Node.js: it is one of the usual ones, a script, or a program that only an installed package
// can provide.
func isNodeProgram(d modgw.Descriptor) bool {
	commands := [][]string{d.HTTP.Command}
	if d.Build != nil {
		commands = append(commands, d.Build.Command)
	}
	for _, command := range commands {
		for _, word := range command {
			switch filepath.Ext(word) {
			case ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts":
				return true
			}
		}
		if name := filepath.Base(command[0]); slices.Contains(nodeCommands, name) || strings.Contains(command[0], "node_modules/") {
			return true
		}
		if !strings.Contains(command[0], "/") && (hostEnviron{"PATH": safePath}).find(command[0]) == "" {
			return true // such as "next", which is in node_modules/.bin
		}
	}
	return false
}

// unlockedPackages returns advice about a package.json that asks for packages which are not
// installed; nil if there are none.
func unlockedPackages(root string, acct *account.Account) []string {
	if _, err := (safepath.Opener{User: acct}).Stat(filepath.Join(root, "node_modules")); err == nil {
		return nil
	}
	data, err := safepath.Opener{User: acct}.ReadFile(filepath.Join(root, "package.json"), maxInputSize)
	var project struct{ Dependencies map[string]any }
	if err != nil || json.Unmarshal(data, &project) != nil || len(project.Dependencies) == 0 {
		return nil
	}
	return []string{"package.json asks for packages and there is no package-lock.json to install them from: " +
		"run npm install in the app's root, which makes both"}
}

// readNodeFiles reads the files that npm reads; nil if there is nothing to install, or it is
// installed already.
func readNodeFiles(root string, acct *account.Account) (nodeFiles, error) {
	installed := acct.Do(func() error { _, err := os.Stat(filepath.Join(root, "node_modules")); return err })
	files := nodeFiles{}
	for i, name := range nodeInputs {
		data, err := safepath.Opener{User: acct}.ReadFile(filepath.Join(root, name), maxLockSize)
		switch {
		case errors.Is(err, fs.ErrNotExist) && i > 0:
			continue
		case errors.Is(err, fs.ErrNotExist), installed == nil:
			return nil, nil
		case err != nil:
			return nil, err
		}
		files[name] = data
	}
	return files, files.check()
}

// check refuses a lock with packages of the app's own folder, which are not where the environment
// is.
func (f nodeFiles) check() error {
	var lock struct {
		Packages map[string]struct {
			Link     bool
			Resolved string
		}
	}
	if err := json.Unmarshal(f[nodeInputs[0]], &lock); err != nil {
		return err
	}
	for name, p := range lock.Packages {
		if p.Link || strings.HasPrefix(p.Resolved, "file:") {
			return fmt.Errorf("%q is a folder or file beside the app; run npm ci in the app's root, and its node_modules is used", name)
		}
	}
	return nil
}

func (r *nodeRecipe) identity() [][]string {
	parts := [][]string{{"node", fmt.Sprint(r.all)}, r.identify, r.settings, r.variables}
	for _, name := range nodeInputs {
		text := string(r.files[name])
		if name == "package.json" {
			text = npmPart(r.files[name])
		}
		parts = append(parts, []string{name, text})
	}
	return parts
}

// npmPart returns the part of package.json that npm ci reads, in normal form: only scripts of an
// installation count.
func npmPart(data []byte) string {
	var all map[string]any
	if json.Unmarshal(data, &all) != nil {
		return string(data)
	}
	scripts, _ := all["scripts"].(map[string]any)
	var parts []any
	for _, key := range []string{"name", "version", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies",
		"bundleDependencies", "overrides", "engines", "os", "cpu", "workspaces"} {
		parts = append(parts, all[key])
	}
	for _, key := range []string{"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"} {
		parts = append(parts, scripts[key])
	}
	part, err := json.Marshal(parts)
	if err != nil {
		return string(data)
	}
	return string(part)
}

func (r *nodeRecipe) program(dir string) string { return filepath.Join(dir, resolverName) }

func (r *nodeRecipe) build(ctx context.Context, _ *Builder, c *construction) error {
	p := c.plan
	err := p.account.Do(func() error {
		for name, data := range r.files {
			if err := os.WriteFile(filepath.Join(p.dir, name), data, 0o600); err != nil {
				return err
			}
		}
		return os.WriteFile(filepath.Join(p.dir, resolverName), []byte(resolver), 0o644)
	})
	if err != nil {
		return p.cannotWrite(err)
	}
	c.environ = append(slices.Concat(r.settings, buildVariables(p.descriptor), c.environ), "PATH="+r.path(p.dir), "npm_config_cache="+filepath.Join(c.cache, "npm"),
		"npm_config_update_notifier=false", "npm_config_logs_max=0")
	r.versions = [2]string{c.ask(ctx, r.node, "--version"), c.ask(ctx, r.npm, "--version")}
	p.say("installing from package-lock.json with npm %s", r.versions[1])
	args := []string{r.npm, "ci", "--no-audit", "--no-fund", "--no-progress"}
	if !r.all {
		args = append(args, "--omit=dev")
	}
	c.printed.usage = "Clean install a project"
	if err := c.runIn(ctx, p.dir, "npm", args...); err != nil {
		return c.fault(npmComplaints, "MGW-ENV-030", "cannot install the Node.js packages of app %q", err)
	}
	// It may have the password of an index.
	return p.account.Do(func() error { return ignoreMissing(os.Remove(filepath.Join(p.dir, ".npmrc"))) })
}

func (r *nodeRecipe) path(dir string) string {
	path := filepath.Join(dir, "node_modules", ".bin") + ":" + safePath
	if own := filepath.Dir(r.node); !slices.Contains(filepath.SplitList(safePath), own) {
		path = filepath.Join(dir, "node_modules", ".bin") + ":" + own + ":" + safePath
	}
	return path
}

func (r *nodeRecipe) describe(dir string, m *marker) error {
	m.Source, m.Builder, m.Version, m.Interpreter = nodeInputs[0], "npm "+r.versions[1], "Node.js "+r.versions[0], r.node
	m.Packages = []modgw.Package{}
	data, err := os.ReadFile(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing had to be installed
	}
	var lock struct {
		Packages map[string]struct{ Version string }
	}
	if err == nil {
		err = json.Unmarshal(data, &lock)
	}
	for path, p := range lock.Packages {
		_, name, _ := strings.Cut("/"+path, "/node_modules/")
		m.Packages = append(m.Packages, modgw.Package{Name: name, Version: p.Version})
	}
	slices.SortFunc(m.Packages, func(a, b modgw.Package) int { return strings.Compare(a.Name, b.Name) })
	return err
}

// environment lets programs of Node.js find the packages although they are not in a folder above
// the app: require() by NODE_PATH, import by a module that is loaded before the app's.
func (r *nodeRecipe) environment(dir string, m marker) modgw.Environment {
	return modgw.Environment{
		Version: m.Version,
		Variables: []string{
			"PATH=" + r.path(dir),
			"NODE_PATH=" + filepath.Join(dir, "node_modules"),
			"NODE_OPTIONS=--import=file://" + filepath.Join(dir, resolverName),
		},
		Source:   m.Source,
		Builder:  m.Builder,
		Packages: m.Packages,
	}
}
