package accesslog

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Format makes the line of an entry, without its end.
type Format struct {
	parts []part
	json  []string // json has the names of the fields of JSON; nil for a template.
}

// part is a literal text, or a field.
type part struct {
	text  string
	field field // without a value for a text
}

// combined is Apache's format of that name.
const combined = `{remote} - {user} [{clock}] "{method} {target} {protocol}" {status} {bytes} "{referer}" "{agent}"`

// jsonFields are in the order of a line.
var jsonFields = []string{
	"time", "remote", "user", "method", "scheme", "host", "target", "protocol", "status", "bytes", "broken", "took", "queued",
	"worked", "app", "generation", "id", "front", "referer", "agent", "trace",
}

var fieldPattern = regexp.MustCompile(`\{([^{}]*)\}`)

// ParseFormat reads a format: "combined", "json", or a template with fields such as {status}.
func ParseFormat(text string) (*Format, error) {
	switch text {
	case "json":
		return &Format{json: jsonFields}, nil
	case "combined":
		text = combined
	}
	f := &Format{}
	last := 0
	for _, at := range fieldPattern.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		found, ok := fields[name]
		if !ok {
			return nil, fmt.Errorf("there is no field {%s}; there is {%s}", name, strings.Join(FieldNames(), "}, {"))
		}
		f.parts = append(f.parts, part{text: text[last:at[0]]}, part{field: found})
		last = at[1]
	}
	if last == 0 {
		return nil, fmt.Errorf("%q is neither combined nor json, and has no field such as {status}", text)
	}
	f.parts = append(f.parts, part{text: text[last:]})
	return f, nil
}

// FieldNames returns the names that a template may have, sorted.
func FieldNames() []string { return slices.Sorted(maps.Keys(fields)) }

// appendLine appends the line of an entry with its end.
func (f *Format) appendLine(line []byte, e *entry) []byte {
	if f.json != nil {
		return append(appendJSON(line, f.json, e), '\n')
	}
	for _, p := range f.parts {
		if p.field.value == nil {
			line = append(line, p.text...)
			continue
		}
		line = appendEscaped(line, p.field.value(e))
	}
	return append(line, '\n')
}

func appendJSON(line []byte, names []string, e *entry) []byte {
	for i, name := range names {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		line = append(line, separator, '"')
		line = append(append(line, name...), '"', ':')
		field := fields[name]
		value := field.value(e)
		if field.number {
			line = append(line, value...)
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			panic(err) // a string can always be written
		}
		line = append(line, text...)
	}
	return append(line, '}')
}

// appendEscaped appends a value as Apache writes it: "-" for none, and a backslash before quotation
// marks, backslashes, control characters and bytes that are no UTF-8. A client cannot forge a line.
func appendEscaped(line []byte, value string) []byte {
	if value == "" {
		return append(line, '-')
	}
	for i := 0; i < len(value); {
		r, size := utf8.DecodeRuneInString(value[i:])
		switch {
		case r == '"' || r == '\\':
			line = append(line, '\\', byte(r))
		case r < ' ' || r == 0x7f || r == utf8.RuneError && size == 1 || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029:
			for _, b := range []byte(value[i : i+size]) {
				line = fmt.Appendf(line, `\x%02x`, b)
			}
		default:
			line = append(line, value[i:i+size]...)
		}
		i += size
	}
	return line
}
