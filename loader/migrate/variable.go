package migrate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader"
)

// Variable is a part of a template that something else fills in before the server reads it.
type Variable struct {
	Name    string // name of var.NAME in descriptors
	Written string // as the template has it: "{{ domain }}"
	Number  bool   // it is a number
	Place          // first line that has it
}

// A variable in the text of a source is its name between two characters of Unicode's private use
// area, which no configuration has. Values may be cut and joined like any text.
const (
	variableStart = '\uE000'
	variableEnd   = '\uE001'
)

var variablePattern = lazyregexp.New(string(variableStart) + `([A-Za-z_][A-Za-z0-9_]*)` + string(variableEnd))

// Variable records a part of a template and returns text that represents it in values.
func (p *Plan) Variable(name, written string, at Place) string {
	name = variableName(name)
	for i, stem := 2, name; ; i++ {
		at := slices.IndexFunc(p.variables, func(v *Variable) bool { return v.Name == name })
		if at < 0 || p.variables[at].Written == written {
			break
		}
		name = fmt.Sprintf("%s_%d", stem, i)
	}
	if !slices.ContainsFunc(p.variables, func(v *Variable) bool { return v.Name == name }) {
		p.variables = append(p.variables, &Variable{Name: name, Written: written, Place: at})
	}
	return string(variableStart) + name + string(variableEnd)
}

var notInVariable = lazyregexp.New(`[^A-Za-z0-9_]+`)

// variableName is a name that a variable of a descriptor can have.
func variableName(text string) string {
	text = strings.Trim(notInVariable.ReplaceAllString(text, "_"), "_")
	if text == "" || text[0] >= '0' && text[0] <= '9' {
		text = "value_" + text
	}
	return strings.ToLower(strings.TrimRight(text, "_"))
}

// HasVariables reports whether a value has a part of a template in it.
func HasVariables(text string) bool { return strings.ContainsRune(text, variableStart) }

// withoutVariables leaves the names of variables alone.
func withoutVariables(text string) string { return variablePattern.ReplaceAllString(text, "$1") }

// Written is text with variables as the template has them.
func (p *Plan) Written(text string) string {
	return variablePattern.ReplaceAllStringFunc(text, func(token string) string {
		name := variablePattern.FindStringSubmatch(token)[1]
		for _, v := range p.variables {
			if v.Name == name {
				return v.Written
			}
		}
		return token
	})
}

// Variables returns the variables of all templates that were read.
func (p *Plan) Variables() []Variable {
	all := make([]Variable, 0, len(p.variables))
	for _, v := range p.variables {
		all = append(all, *v)
	}
	return all
}

// expand makes values of a draft of values with variables in them.
func (p *Plan) expand(value any) any {
	switch v := value.(type) {
	case string:
		if HasVariables(v) {
			return template(v)
		}
	case []string:
		elements := make([]any, len(v))
		for i, e := range v {
			elements[i] = p.expand(e)
		}
		return elements
	case map[string]string:
		elements := map[string]any{}
		for name, e := range v {
			elements[name] = p.expand(e)
		}
		return elements
	}
	return value
}

// template is text with variables as HCL has it.
func template(text string) any {
	if m := variablePattern.FindString(text); m == text {
		return loader.Expression("var." + withoutVariables(text))
	}
	var b strings.Builder
	rest := text
	for {
		at := variablePattern.FindStringSubmatchIndex(rest)
		if at == nil {
			b.WriteString(loader.Quoted(rest))
			return loader.Template(b.String())
		}
		b.WriteString(loader.Quoted(rest[:at[0]]) + "${var." + rest[at[2]:at[3]] + "}")
		rest = rest[at[1]:]
	}
}

// declared are the variables that an app's descriptor has in it.
func (p *Plan) declared(text string) (all []string) {
	for _, v := range p.variables {
		if regexp.MustCompile(`\bvar\.` + v.Name + `\b`).MatchString(text) {
			all = append(all, v.Name)
		}
	}
	return all
}
