package loader

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// variables are environment variables; those of the defaults are added to the app's own. null
// removes one of the defaults or the env_file.
func variables(dst *map[string]string) value {
	removed := map[string]bool{}
	return value{form: "object of strings", set: func(l *leaf) {
		t := l.value.Type()
		if !t.IsObjectType() && !t.IsMapType() {
			l.wrong("%q must be an object such as { DEBUG = \"1\" }, not %s.", l.name, typeName(t))
			return
		}
		if *dst == nil {
			*dst = map[string]string{}
		}
		values := l.value.AsValueMap()
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if _, set := (*dst)[name]; l.fallback && (set || removed[name]) {
				continue
			}
			if values[name].IsNull() {
				delete(*dst, name)
				removed[name] = true
				continue
			}
			if s, ok := l.variable(name, values[name]); ok {
				(*dst)[name] = s
			}
		}
	}}
}

// secretVariables are environment variables whose values are secret, even if they are written in
// the descriptor.
func secretVariables(dst *map[string]string) value {
	v := variables(dst)
	set := v.set
	v.set = func(l *leaf) {
		set(l)
		for _, secret := range *dst {
			l.scope.noteSecret(secret)
		}
	}
	return v
}

// variable is the value of one environment variable; numbers and booleans are written out.
func (l *leaf) variable(name string, v cty.Value) (string, bool) {
	if why := badVariable(name); why != "" {
		l.add(codeEnvName, l.keyRange(name), fmt.Sprintf("Cannot set environment variable %s", l.shown(name)), sentence(why))
		return "", false
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() || !s.IsKnown() || v.Type() == cty.Number && v.AsBigFloat().IsInf() {
		l.failAt(codeValue, l.keyRange(name), fmt.Sprintf("The environment variable %s must be a string.", l.shown(name)))
		return "", false
	}
	if !l.clean(s.AsString(), l.keyRange(name)) {
		return "", false
	}
	l.scope.noteVariable(name, s.AsString())
	return s.AsString(), true
}

// badVariable returns the reason why a process cannot have a variable of that name. The host and
// systemd use some variables to hand over sockets and settings. LD_PRELOAD and similar ones are not
// refused: they affect only the app's own processes, which run as the app's user anyway, and
// allocators such as jemalloc need them.
func badVariable(name string) string {
	switch {
	case name == "":
		return "it has no name"
	case strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c == '=' || c == 0x7f }):
		return "its name must not have \"=\", spaces or control characters"
	case strings.HasPrefix(name, "MODGW_"):
		return "names that begin with MODGW_ are the host's own"
	case slices.Contains([]string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"}, name):
		return "it is how the host hands over sockets and hears of readiness"
	}
	return ""
}

// envFile reads the env_file into the descriptor's environment.
func envFile(d *modgw.Descriptor) value {
	return value{form: "path of a file", set: func(l *leaf) {
		p, ok := l.path()
		if !ok {
			return
		}
		data, err := l.scope.files.readFile(p)
		if err != nil {
			l.add(codeEnvFile, l.rng, fmt.Sprintf("Cannot read %s", l.shown(p)), join(sentence(reason(err)), l.relativeHint()))
			return
		}
		d.EnvFile = p
		if d.Env == nil {
			d.Env = map[string]string{}
		}
		found, mistakes := parseDotenv(string(data))
		for _, m := range mistakes {
			// The line itself is not shown: lines of such files are secret more often than not.
			l.add(codeEnvFile, lineOf(p, m.line), "Invalid line in env_file", m.why)
		}
		for _, v := range found {
			if why := badVariable(v.name); why != "" {
				l.add(codeEnvName, lineOf(p, v.line), fmt.Sprintf("Cannot set environment variable %q", v.name), sentence(why))
				continue
			}
			d.Env[v.name] = v.value
			l.scope.noteVariable(v.name, v.value)
		}
	}}
}
