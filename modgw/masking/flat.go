package masking

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/modgw/modgw/modgw"
)

// Setting is one of a descriptor.
type Setting struct {
	Name  string // such as "timeouts.request"
	Value string // as text; a line for each element of a list
}

// Flat returns the settings of a descriptor as a list, by name: those of [Settings], with names
// like those in a descriptor.
func Flat(d modgw.Descriptor) (all []Setting) {
	secrets := Secrets(d)
	flatten("", Without(Settings(d), secrets), func(name, value string) { all = append(all, Setting{name, value}) })
	return all
}

// variables are the settings whose keys are names of variables.
var variables = []string{"env", "build_env", "build_secrets"}

func flatten(name string, value any, yield func(name, value string)) {
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below := snakeCase(key)
			if slices.Contains(variables, name) {
				below = key
			}
			if name != "" {
				below = name + "." + below
			}
			flatten(below, v[key], yield)
		}
	case []any:
		lines := make([]string, len(v))
		for i, element := range v {
			lines[i] = textOf(element)
		}
		yield(name, strings.Join(lines, "\n"))
	default:
		yield(name, textOf(v))
	}
}

// textOf is a value on one line.
func textOf(value any) string {
	switch v := value.(type) {
	case map[string]any, []any:
		if text, err := json.Marshal(v); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(value)
}

// snakeCase writes the name of a field as a descriptor does: "StopAfter" as "stop_after".
func snakeCase(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
