package loader

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// leaf is one value on its way from an expression to its place.
type leaf struct {
	*decoder
	name     string    // argument or block that it is for
	value    cty.Value // known, not null and, at every depth, without marks
	secret   bool      // whether any of it must not be shown
	fallback bool      // it comes from the defaults
	rng      hcl.Range
	expr     hclsyntax.Expression // nil for a default or a label
}

// wrong reports that the value cannot be used; the detail is a sentence.
func (l *leaf) wrong(format string, args ...any) { l.fail(codeValue, fmt.Sprintf(format, args...)) }

// fail is wrong with another code.
func (l *leaf) fail(code, detail string) { l.failAt(code, l.rng, detail) }

func (l *leaf) failAt(code string, rng hcl.Range, detail string) {
	l.add(code, rng, fmt.Sprintf("Invalid value for %q", l.name), detail)
}

// shown quotes s for a message, unless it is secret.
func (l *leaf) shown(s string) string {
	if l.secret {
		return "(secret)"
	}
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return strconv.Quote(s)
}

// text is the value as a string; numbers and booleans need quotes, because 3.10 is 3.1 and 0660 is
// 660 to HCL.
func (l *leaf) text() (string, bool) {
	if l.value.Type() == cty.String {
		return l.value.AsString(), l.clean(l.value.AsString(), l.rng)
	}
	hint := ""
	if source, ok := l.literal(); ok && l.value.Type().IsPrimitiveType() {
		hint = fmt.Sprintf("Put it in quotes: %s = %q", l.name, source)
	}
	l.fail(codeValue, join(fmt.Sprintf("%q must be a string, not %s.", l.name, typeName(l.value.Type())), hint))
	return "", false
}

// clean refuses bytes that no path, name or command can have.
func (l *leaf) clean(s string, rng hcl.Range) bool {
	if strings.ContainsRune(s, 0) {
		l.failAt(codeValue, rng, fmt.Sprintf("%q must not have a NUL character.", l.name))
		return false
	}
	return true
}

// path is the value as an absolute path.
func (l *leaf) path() (string, bool) {
	s, ok := l.text()
	if ok && s == "" {
		l.wrong("%q must not be empty.", l.name)
		return "", false
	}
	return l.absolute(s), ok
}

func (l *leaf) absolute(p string) string { return l.scope.absolute(p) }

// texts is the value as a list of strings.
func (l *leaf) texts() ([]string, bool) {
	t := l.value.Type()
	if t == cty.String {
		hint := ""
		if source, ok := l.literal(); ok {
			hint = fmt.Sprintf("Put it in brackets: %s = [%s]", l.name, source)
		}
		l.fail(codeValue, join(fmt.Sprintf("%q must be a list of strings, not a string.", l.name), hint))
		return nil, false
	}
	if !t.IsTupleType() && !t.IsListType() && !t.IsSetType() {
		l.wrong("%q must be a list of strings, not %s.", l.name, typeName(t))
		return nil, false
	}
	list, ok := []string{}, true
	for i, v := range l.value.AsValueSlice() {
		if v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
			l.failAt(codeValue, l.elementRange(i), fmt.Sprintf("Each element of %q must be a string.", l.name))
			ok = false
			continue
		}
		ok = l.clean(v.AsString(), l.elementRange(i)) && ok
		list = append(list, v.AsString())
	}
	return list, ok
}

// elementRange is where element i of a list is written, or the list when it is computed.
func (l *leaf) elementRange(i int) hcl.Range {
	if list, ok := l.expr.(*hclsyntax.TupleConsExpr); ok && i < len(list.Exprs) {
		return list.Exprs[i].Range()
	}
	return l.rng
}

// keyRange is where the element called key of an object is written, or the object when it is
// computed.
func (l *leaf) keyRange(key string) hcl.Range {
	object, ok := l.expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return l.rng
	}
	for _, item := range object.Items {
		if wrapped, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr); ok && hcl.ExprAsKeyword(wrapped.Wrapped) == key {
			return hcl.RangeBetween(item.KeyExpr.Range(), item.ValueExpr.Range())
		}
		if v, diags := item.KeyExpr.Value(nil); !diags.HasErrors() && v.Type() == cty.String && v.IsKnown() && !v.IsNull() && !v.IsMarked() && v.AsString() == key {
			return hcl.RangeBetween(item.KeyExpr.Range(), item.ValueExpr.Range())
		}
	}
	return l.rng
}

// literal is the source text of a value that is written out.
func (l *leaf) literal() (string, bool) {
	switch l.expr.(type) {
	case *hclsyntax.LiteralValueExpr, *hclsyntax.TemplateExpr:
		if file := l.sources[l.rng.Filename]; file != nil && l.rng.CanSliceBytes(file.Bytes) && l.rng.Start.Line == l.rng.End.Line {
			return string(l.rng.SliceBytes(file.Bytes)), !l.secret
		}
	}
	return "", false
}

// typeName returns the name of a type for people.
func typeName(t cty.Type) string {
	switch {
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "an object"
	}
	return "that"
}

// absolute resolves a path that a descriptor names.
func (s *scope) absolute(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(s.dir, p)
}
