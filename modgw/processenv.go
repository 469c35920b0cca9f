package modgw

import (
	"maps"
	"os"
	"slices"
	"strings"
)

// systemPath is where programs are looked for that no environment provides.
const systemPath = "/usr/local/bin:/usr/bin:/bin"

// ProcessEnv is the process environment of everything that runs for the app, as "KEY=value", each key once: PATH,
// HOME, LANG, and TZ where the host has it; over them the environment's variables, and over them the descriptor's own.
// Nothing else of the host's environment is passed on, because it may hold what only the host should know. env may be
// nil; home is the home directory of the app's user.
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
	list := make([]string, 0, len(variables))
	for _, key := range slices.Sorted(maps.Keys(variables)) {
		list = append(list, key+"="+variables[key])
	}
	return list
}
