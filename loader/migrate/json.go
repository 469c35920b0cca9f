package migrate

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// JSON is a value of a source in JSON. It knows its line, and keeps keys that repeat.
type JSON struct {
	Key   string  // name in the object around; empty in a list
	Line  int     // its first line, or that of the key
	Kind  Shape   // scalar, object or list
	Inner []*JSON // members or items
	value any     // string, json.Number, bool or nil of a Scalar
}

// Shape is the kind of a JSON value.
type Shape uint8

// The shapes of values.
const (
	Scalar Shape = iota // a string, number, boolean or null
	Object              // members with keys
	List                // items
)

// ParseJSON reads text of a source; nil when it is no JSON, which is a problem then.
func (p *Plan) ParseJSON(s Source, text string) *JSON {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	line := func() int { return 1 + strings.Count(text[:decoder.InputOffset()], "\n") }
	top := &JSON{}
	stack := []*JSON{top}
	var key *string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && len(stack) == 1 && len(top.Inner) > 0 {
			return top.Inner[0]
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
		if text, ok := token.(string); ok && around.Kind == Object && key == nil {
			key = &text
			around.Inner = append(around.Inner, &JSON{Key: text, Line: line()})
			continue
		}
		n := &JSON{Line: line()}
		if key != nil {
			n = around.Inner[len(around.Inner)-1]
			key = nil
		} else {
			around.Inner = append(around.Inner, n)
		}
		switch token {
		case json.Delim('{'):
			n.Kind = Object
			stack = append(stack, n)
		case json.Delim('['):
			n.Kind = List
			stack = append(stack, n)
		default:
			n.value = token
		}
	}
}

// Get returns the last member of a name, or nil.
func (n *JSON) Get(key string) *JSON {
	if n == nil {
		return nil
	}
	for i := len(n.Inner) - 1; i >= 0; i-- {
		if n.Kind == Object && n.Inner[i].Key == key {
			return n.Inner[i]
		}
	}
	return nil
}

// Text is the value as text; empty for an object or a list.
func (n *JSON) Text() string {
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

// Texts are the items of a list, or the value alone.
func (n *JSON) Texts() (all []string) {
	if n == nil {
		return nil
	}
	if n.Kind != List {
		return []string{n.Text()}
	}
	for _, item := range n.Inner {
		all = append(all, item.Text())
	}
	return all
}
