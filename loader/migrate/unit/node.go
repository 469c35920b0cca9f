package unit

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// node is a value of the configuration.
type node struct {
	key    string // name in the object around; empty in a list
	line   int
	object bool
	list   bool
	value  any     // string, json.Number, bool or nil, when it is neither object nor list
	inner  []*node // members or items
}

// parse reads a configuration. Comments, which Unit's own parser takes, are left out first.
func parse(s migrate.Source, p *migrate.Plan) *node {
	text := withoutComments(s.Text)
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	line := func() int { return 1 + strings.Count(text[:decoder.InputOffset()], "\n") }
	top := &node{}
	stack := []*node{top}
	var key *string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && len(stack) == 1 && len(top.inner) > 0 {
			return top.inner[0]
		}
		if err != nil {
			p.Problem(s.Place(line()), "cannot read the JSON: %v", err)
			return nil
		}
		around := stack[len(stack)-1]
		if delimiter, ok := token.(json.Delim); ok && (delimiter == '}' || delimiter == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if text, ok := token.(string); ok && around.object && key == nil {
			key = &text
			around.inner = append(around.inner, &node{key: text, line: line()})
			continue
		}
		n := &node{line: line()}
		if key != nil {
			n = around.inner[len(around.inner)-1]
			key = nil
		} else {
			around.inner = append(around.inner, n)
		}
		switch token {
		case json.Delim('{'):
			n.object = true
			stack = append(stack, n)
		case json.Delim('['):
			n.list = true
			stack = append(stack, n)
		default:
			n.value = token
		}
	}
}

// withoutComments replaces // and /* */ outside of strings by spaces, so that lines stay.
func withoutComments(text string) string {
	b := []byte(text)
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case b[i] == '/' && i+1 < len(b) && b[i+1] == '/':
			for ; i < len(b) && b[i] != '\n'; i++ {
				b[i] = ' '
			}
		case b[i] == '/' && i+1 < len(b) && b[i+1] == '*':
			for ; i < len(b) && (b[i] != '*' || i+1 == len(b) || b[i+1] != '/'); i++ {
				if b[i] != '\n' {
					b[i] = ' '
				}
			}
			for end := min(i+2, len(b)); i < end; i++ {
				b[i] = ' '
			}
			i--
		}
	}
	return string(b)
}

// get returns the last member of a name, nil without one.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := len(n.inner) - 1; i >= 0; i-- {
		if n.object && n.inner[i].key == key {
			return n.inner[i]
		}
	}
	return nil
}

// text is the value as text; empty for an object or a list.
func (n *node) text() string {
	if n == nil {
		return ""
	}
	switch v := n.value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

// texts are the items of a list, or the value alone.
func (n *node) texts() (all []string) {
	if n == nil {
		return nil
	}
	if !n.list {
		return []string{n.text()}
	}
	for _, item := range n.inner {
		all = append(all, item.text())
	}
	return all
}
