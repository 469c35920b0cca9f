package venv

import (
	"maps"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// reference is a variable in a requirements file as pip and uv expand it.
var reference = lazyregexp.New(`\$\{([A-Z0-9_]+)\}`)

// readVariables adds the variables that the descriptor gives to builds to the inputs. Those of env
// count only if a requirements file refers to them. Secrets do not count: a renewed token installs
// the same packages.
func (in *inputs) readVariables(d modgw.Descriptor) {
	for _, name := range slices.Sorted(maps.Keys(d.BuildEnv)) {
		in.decide("build_env " + name + "=" + d.BuildEnv[name])
	}
	for _, name := range in.referenced {
		if value, ok := d.Env[name]; ok {
			in.decide("env " + name + "=" + value)
		}
	}
}

// refer notes the variables that a line of a requirements file refers to.
func (in *inputs) refer(line string) {
	for _, found := range reference.FindAllStringSubmatch(line, -1) {
		if !slices.Contains(in.referenced, found[1]) {
			in.referenced = append(in.referenced, found[1])
		}
	}
}

// buildVariables are the descriptor's own variables for builds, as "KEY=value": build_env,
// build_secrets, and those of env that requirements files refer to.
func buildVariables(d modgw.Descriptor, referenced ...string) []string {
	all := map[string]string{}
	for _, name := range referenced {
		if value, ok := d.Env[name]; ok {
			all[name] = value
		}
	}
	maps.Copy(all, d.BuildEnv)
	maps.Copy(all, d.BuildSecrets)
	return settingsOf(all)
}

// settingsOf returns variables of a descriptor as "KEY=value". Settings that would install
// something else or elsewhere than was asked are left out.
func settingsOf(all map[string]string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(misleadingSettings, strings.ToUpper(name)) {
			list = append(list, name+"="+all[name])
		}
	}
	return list
}
