package venv

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/modgw"
)

// webPorts are the default ports of package indexes.
var webPorts = []uint16{80, 443}

// urlPort finds the ports in URLs.
var urlPort = lazyregexp.New(`\bhttps?://[^/\s"']*:(\d+)`)

// confine returns the rules for a program of the build of an app with a sandbox; nil: it has none.
// Builds may read the files that the app may read, change its root and the folders, and connect to
// package indexes and to the addresses that the app may connect to.
func (p *plan) confine(program string, environ []string, folders ...string) *sandbox.Rules {
	rules := confineTool(p.descriptor.Sandbox, program)
	if rules == nil {
		return nil
	}
	d := p.descriptor
	within, withinWrite := d.Sandbox.Within, d.Sandbox.WithinWrite
	if r, ok := p.recipe.(*pythonRecipe); ok { // pip and uv run it in their turn
		rules.Grants = append(rules.Grants, toolGrants(d.Sandbox, r.interpreter.Path)...)
	}
	for _, folder := range folders {
		rules.Grants = append(rules.Grants, sandbox.Grant{Path: folder, Write: true})
	}
	for _, path := range append(d.Sandbox.Writable(d.Root), d.Root) {
		rules.Grants = append(rules.Grants, sandbox.Grant{Path: path, Write: true, Within: withinWrite})
	}
	for _, path := range append(filesIn(environ), d.Sandbox.Read...) {
		rules.Grants = append(rules.Grants, sandbox.Grant{Path: path, Within: within})
	}
	if d.Sandbox.ConnectsAnywhere() {
		rules.Network = sandbox.Open
		return rules
	}
	rules.Network, rules.Connect = sandbox.Listed, append([]uint16{}, webPorts...)
	for _, endpoint := range d.Sandbox.Network {
		rules.Connect = append(rules.Connect, endpoint.Port)
	}
	rules.Connect = append(rules.Connect, portsIn(environ)...)
	if p.recipe != nil {
		for _, part := range p.recipe.identity() {
			rules.Connect = append(rules.Connect, portsIn(part)...)
		}
	}
	return rules
}

// confineTool returns the rules for a program that only reports something; nil: the app has no
// sandbox.
func confineTool(s *modgw.Sandbox, program string) *sandbox.Rules {
	if s == nil || s.Learn {
		return nil
	}
	return &sandbox.Rules{Grants: append(sandbox.System(), toolGrants(s, program)...), Means: sandbox.Probe()}
}

// toolGrants allow executing a program and reading its files.
func toolGrants(s *modgw.Sandbox, program string) []sandbox.Grant {
	grants := []sandbox.Grant{{Path: program, Program: true, Within: s.Within}}
	if bin, prefix := filepath.Dir(program), filepath.Dir(filepath.Dir(program)); filepath.Base(bin) == "bin" && prefix != "/" {
		// The interpreter of a virtual environment is a link to another one.
		grants = append(grants, sandbox.Grant{Path: prefix, Within: s.Within})
	}
	return grants
}

// confineInterpreter is confineTool for an interpreter that may belong to an environment of the
// host, which is outside of all folders of the user.
func (b *Builder) confineInterpreter(s *modgw.Sandbox, path string) *sandbox.Rules {
	rules := confineTool(s, path)
	environment := filepath.Dir(filepath.Dir(path))
	if rules != nil && filepath.Dir(environment) == b.envs {
		// Its own folder is the host's, so that no link of the user's leads elsewhere.
		rules.Grants = append(rules.Grants, sandbox.Grant{Path: environment})
	}
	return rules
}

// filesIn are the absolute paths among the values of variables, such as a folder with wheels.
func filesIn(environ []string) []string {
	var paths []string
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if name == "PATH" {
			continue
		}
		for word := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == ' ' || c == ',' }) {
			if path := strings.TrimPrefix(word, "file://"); filepath.IsAbs(path) && filepath.Clean(path) != "/" {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// portsIn are the ports that URLs in the texts name.
func portsIn(texts []string) []uint16 {
	var ports []uint16
	for _, text := range texts {
		for _, found := range urlPort.FindAllStringSubmatch(text, -1) {
			if port, err := strconv.ParseUint(found[1], 10, 16); err == nil {
				ports = append(ports, uint16(port))
			}
		}
	}
	return ports
}
