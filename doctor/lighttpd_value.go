package doctor

import (
	"slices"

	"github.com/modgw/modgw/internal/webconf"
)

// value is a value of lighttpd: a text, or a list whose members may have keys.
type value struct {
	key  string
	text string
	list []value // nil for a text
}

// values reads the words and signs of an assignment.
func values(d *webconf.Directive) value {
	if len(d.Args) < 2 {
		return value{}
	}
	v, _ := readValue(d.Args[1:])
	return v
}

func readValue(tokens []string) (value, []string) {
	if len(tokens) == 0 || tokens[0] != "(" {
		if len(tokens) == 0 {
			return value{}, nil
		}
		return value{text: tokens[0]}, tokens[1:]
	}
	v := value{list: []value{}}
	for tokens = tokens[1:]; len(tokens) > 0 && tokens[0] != ")"; {
		if tokens[0] == "," {
			tokens = tokens[1:]
			continue
		}
		key := ""
		if len(tokens) > 1 && tokens[1] == "=>" {
			key, tokens = tokens[0], tokens[2:]
		}
		var member value
		member, tokens = readValue(tokens)
		member.key = key
		v.list = append(v.list, member)
	}
	if len(tokens) > 0 {
		tokens = tokens[1:]
	}
	return v, tokens
}

// get returns the text of a member anywhere in the list, or "" if there is none.
func (v value) get(key string) string {
	for _, m := range v.list {
		if m.key == key && m.list == nil {
			return m.text
		}
		if text := m.get(key); text != "" {
			return text
		}
	}
	return ""
}

// has reports whether a list has a text.
func (v value) has(text string) bool {
	return slices.ContainsFunc(v.list, func(m value) bool { return m.text == text || m.has(text) })
}
