package uwsgi

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
)

// line is an option as a file has it.
type line struct {
	place   migrate.Place
	section string // section of an ini file
	name    string
	value   string
	shown   string // name in the report; empty: name
	silent  bool   // another app has the entry
}

// parseINI reads the lines of an ini file.
func parseINI(s migrate.Source, p *migrate.Plan) (all []line) {
	section := ""
	for i, text := range s.Lines() {
		text = strings.TrimSpace(text)
		place := s.Place(i + 1)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
		case text[0] == '[':
			name, _, closed := strings.Cut(text[1:], "]")
			if !closed {
				p.Problem(place, "cannot read a section without a closing bracket: %s", text)
			}
			section = strings.TrimSpace(name)
		default:
			name, value, _ := strings.Cut(text, "=")
			value = withoutComment(strings.TrimSpace(name), value)
			all = append(all, line{place, section, strings.TrimSpace(name), strings.TrimSpace(value), "", false})
		}
	}
	return all
}

// afterValue matches a comment behind a value. uWSGI takes it for a part of the value, but its
// numbers end there.
var afterValue = lazyregexp.New(`\s+(?:#|;|//)(?:\s.*)?$`)

// withoutComment takes a comment off a value, unless the option has text that may look like one.
func withoutComment(name, value string) string {
	for _, beginning := range []string{"route", "log", "req-log", "hook", "exec", "cron", "attach", "smart", "env", "for", "if", "add-header", "mule"} {
		if strings.HasPrefix(name, beginning) {
			return value
		}
	}
	return afterValue.ReplaceAllString(value, "")
}

// parseYAML reads the lines below "uwsgi:". As uWSGI's own parser does, it takes each "key: value"
// for an option, and items of a list for values of the key above.
func parseYAML(s migrate.Source, p *migrate.Plan) (all []line) {
	section, name := "", ""
	for i, raw := range s.Lines() {
		text := strings.TrimSpace(raw)
		place := s.Place(i + 1)
		switch {
		case text == "" || text[0] == '#' || text == "---" || text == "...":
			continue
		case strings.HasPrefix(text, "- "):
			item := strings.TrimSpace(text[2:])
			if key, value, ok := cutYAML(item); ok && name == "" {
				all = append(all, line{place, section, key, value, "", false})
			} else {
				all = append(all, line{place, section, name, unquoteYAML(item), "", false})
			}
			continue
		}
		key, value, ok := cutYAML(text)
		switch {
		case !ok:
			if key, value, ok = strings.Cut(text, "="); ok { // a line of an ini file
				all = append(all, line{place, section, strings.TrimSpace(key), strings.TrimSpace(value), "", false})
				continue
			}
			p.Problem(place, "cannot read a line that is not KEY: VALUE: %s", text)
		case raw[0] != ' ' && raw[0] != '\t' && value == "":
			section, name = key, ""
		case value == "" || value == "|" || value == ">":
			name = key
			if next := i + 1; next >= len(s.Lines()) || !strings.HasPrefix(strings.TrimSpace(s.Lines()[next]), "- ") {
				all = append(all, line{place, section, key, "", "", false})
			}
		default:
			name = key
			all = append(all, line{place, section, key, value, "", false})
		}
	}
	return all
}

func cutYAML(text string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(text, ": ")
	if !ok {
		key, ok = strings.CutSuffix(text, ":")
	}
	return unquoteYAML(strings.TrimSpace(key)), unquoteYAML(strings.TrimSpace(value)), ok
}

// unquoteYAML takes quotes, or else a comment, off a value.
func unquoteYAML(text string) string {
	if len(text) > 1 && (text[0] == '"' || text[0] == '\'') {
		if end := strings.IndexByte(text[1:], text[0]); end >= 0 {
			return text[1 : end+1]
		}
	}
	if at := strings.Index(text, " #"); at >= 0 {
		text = strings.TrimSpace(text[:at])
	}
	return text
}

// parseXML reads the elements of <uwsgi>.
func parseXML(s migrate.Source, p *migrate.Plan) (all []line) {
	decoder := xml.NewDecoder(strings.NewReader(s.Text))
	decoder.Strict = false
	depth, inside := 0, -1
	var current line
	for {
		token, err := decoder.Token()
		number, _ := decoder.InputPos()
		if errors.Is(err, io.EOF) {
			if depth > 0 {
				p.Problem(s.Place(number), "cannot read the XML: an element has no end")
				return nil
			}
			return all
		}
		if err != nil {
			p.Problem(s.Place(number), "cannot read the XML: %v", err)
			return nil
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			switch {
			case inside < 0 && strings.EqualFold(t.Name.Local, "uwsgi"):
				inside = depth
			case inside >= 0 && depth == inside+1:
				current = line{place: s.Place(number), section: "uwsgi", name: t.Name.Local}
				for _, a := range t.Attr {
					all = append(all, line{s.Place(number), "uwsgi", t.Name.Local + " " + a.Name.Local, a.Value, "", false})
				}
			case inside >= 0:
				all = append(all, line{s.Place(number), "uwsgi", current.name + " " + t.Name.Local, "", "", false})
			}
		case xml.CharData:
			if inside >= 0 && depth == inside+1 {
				current.value += strings.TrimSpace(string(t))
			}
		case xml.EndElement:
			if depth == inside+1 {
				all = append(all, current)
			}
			if depth == inside {
				inside = -1
			}
			depth--
		}
	}
}

// parseJSON reads the members of "uwsgi"; lists give several values.
func parseJSON(s migrate.Source, p *migrate.Plan) (all []line) {
	var visit func(n *migrate.JSON, name string)
	visit = func(n *migrate.JSON, name string) {
		if n.Kind == migrate.Scalar {
			all = append(all, line{s.Place(n.Line), "uwsgi", name, n.Text(), "", false})
		}
		for _, inner := range n.Inner {
			visit(inner, strings.TrimSpace(name+" "+inner.Key))
		}
	}
	if top := p.ParseJSON(s, s.Text); top != nil {
		for _, n := range top.Inner {
			if n.Key == "uwsgi" && n.Kind != migrate.Scalar {
				visit(n, "")
			}
		}
	}
	return all
}
