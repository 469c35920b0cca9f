package modgw

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// systemPath is where programs are looked for that no environment provides.
const systemPath = "/usr/local/bin:/usr/bin:/bin"

// ProcessEnv returns the process environment of everything that runs for the app, as "KEY=value",
// each key once: PATH, HOME, LANG, and TZ if the host has it. The environment's variables take
// precedence over these, and the descriptor's own over all. For the kinds go and http, PATH begins
// with the programs that the project has installed for itself. For a program in a Python
// environment, PYTHONPATH begins with the descriptor's path. No other part of the host's
// environment is passed on, because it may contain secrets of the host. env may be nil; home is the
// home directory of the app's user.
func (d Descriptor) ProcessEnv(env *Environment, home string) []string {
	variables := map[string]string{"PATH": systemPath, "HOME": home, "LANG": "C.UTF-8"}
	if tz, ok := os.LookupEnv("TZ"); ok {
		variables["TZ"] = tz
	}
	if env != nil {
		for _, v := range env.Variables {
			key, value, _ := strings.Cut(v, "=")
			variables[key] = value
		}
	}
	maps.Copy(variables, d.Env)
	if d.Python.Program {
		prependTo(variables, "PYTHONPATH", d.Python.Path)
	}
	if d.Kind == KindGo || d.Kind == KindHTTP {
		variables["PATH"] = withOwnPrograms(variables["PATH"], d.Root)
	}
	list := make([]string, 0, len(variables))
	for _, key := range slices.Sorted(maps.Keys(variables)) {
		list = append(list, key+"="+variables[key])
	}
	return list
}

// prependTo puts folders before those that a variable has.
func prependTo(variables map[string]string, name string, folders []string) {
	if variables[name] != "" {
		folders = append(slices.Clone(folders), variables[name])
	}
	if len(folders) > 0 {
		variables[name] = strings.Join(folders, string(filepath.ListSeparator))
	}
}

// ownPrograms are where a project keeps the programs that it has installed for itself, below its
// root.
var ownPrograms = []string{"node_modules/.bin", ".venv/bin", "venv/bin"}

// withOwnPrograms is a PATH with the folders of a project's own programs before the system's.
func withOwnPrograms(path, root string) string {
	folders := filepath.SplitList(path)
	at := slices.IndexFunc(folders, func(f string) bool { return strings.HasPrefix(f, "/usr/") || f == "/bin" })
	if at < 0 {
		at = len(folders)
	}
	for _, own := range ownPrograms {
		folders = slices.Insert(folders, at, filepath.Join(root, own))
		at++
	}
	return strings.Join(folders, string(filepath.ListSeparator))
}
