package pysource

import (
	"strings"
)

// value returns the value of an expression.
func (e *evaluation) value(of expression) Value {
	if e.steps++; e.steps > maxSteps {
		return e.unknown("the file computes for too long")
	}
	switch of := of.(type) {
	case nil:
		return None{}
	case literal:
		return of.value
	case name:
		return e.lookUp(of.text)
	case attribute:
		return e.attribute(e.value(of.of), of.name)
	case call:
		return e.call(of)
	case subscript:
		return e.subscript(e.value(of.of), of.index)
	case unary:
		return e.unary(of.operator, e.value(of.of))
	case binary:
		return e.binary(of)
	case comparison:
		return e.compareChain(of)
	case conditional:
		return e.choose(of)
	case sequence:
		return e.sequence(of)
	case dictionary:
		return e.dictionary(of)
	case comprehension:
		return e.comprehend(of)
	case walrus:
		v := e.value(of.of)
		e.record(of.name, v)
		return v
	case joined:
		return e.join(of.parts)
	case formatted:
		return e.join(of.parts)
	case field:
		return e.field(of)
	case *function:
		return of
	case opaque:
		return e.unknown(of.reason)
	}
	return e.unknown("it has an unknown form")
}

func (e *evaluation) lookUp(name string) Value {
	if v, ok := e.locals[name]; ok {
		return v
	}
	if v, ok := e.names[name]; ok {
		for _, variable := range e.taints[name] {
			e.taint[variable] = true
		}
		return v
	}
	if _, ok := functions[name]; ok {
		return reference(name)
	}
	return e.unknown("the name " + name + " is not set in this file")
}

// choose follows "a if condition else b".
func (e *evaluation) choose(of conditional) Value {
	is, known := truth(e.value(of.condition))
	switch {
	case known && is:
		return e.value(of.then)
	case known:
		return e.value(of.otherwise)
	}
	a, b := e.value(of.then), e.value(of.otherwise)
	if same, known := equal(a, b); same && known {
		return a
	}
	return e.unknown(doubtful(e.line))
}

func (e *evaluation) sequence(of sequence) Value {
	list := &List{Tuple: of.tuple}
	for _, item := range of.items {
		star, ok := item.(starred)
		if !ok {
			list.Items = append(list.Items, e.value(item))
			continue
		}
		items, known := iterate(e.value(star.of))
		if !known {
			return e.unknown("it takes the items of something that is not known")
		}
		list.Items = append(list.Items, items...)
	}
	return e.limited(list)
}

// limited returns a list or string that is not too long.
func (e *evaluation) limited(v Value) Value {
	switch v := v.(type) {
	case *List:
		if len(v.Items) > maxItems {
			return e.unknown("it is a list that is too long")
		}
	case string:
		if len(v) > maxString {
			return e.unknown("it is a string that is too long")
		}
	}
	return v
}

func (e *evaluation) dictionary(of dictionary) Value {
	d := &Dict{}
	for i, key := range of.keys {
		v := e.value(of.values[i])
		if key == nil {
			other, ok := v.(*Dict)
			if !ok || len(other.Keys)+len(d.Keys) > maxItems {
				return e.unknown("it takes the keys of something that is not known")
			}
			for j := range other.Keys {
				d.set(other.Keys[j], other.Values[j])
			}
			continue
		}
		k := e.value(key)
		if !isPlain(k) {
			return e.unknown("it has a key that is not known")
		}
		d.set(k, v)
	}
	return d
}

// join concatenates strings.
func (e *evaluation) join(parts []expression) Value {
	var b strings.Builder
	for _, part := range parts {
		v := e.value(part)
		s, ok := text(v)
		if !ok {
			if u, is := v.(Unknown); is {
				return u
			}
			return e.unknown("it puts something into a string that is not known: " + Reason(v))
		}
		b.WriteString(s)
	}
	return e.limited(b.String())
}

func (e *evaluation) field(of field) Value {
	v := e.value(of.of)
	if of.format != nil && len(of.format.parts) > 0 {
		return e.unknown("it formats a value in a way that is not followed")
	}
	if of.conversion == "r" || of.selfDescribe != "" && of.conversion == "" {
		s, ok := represent(v)
		if !ok {
			return v
		}
		return of.selfDescribe + s
	}
	return v
}

func (e *evaluation) binary(of binary) Value {
	left := e.value(of.left)
	if of.operator != "and" && of.operator != "or" {
		return e.operate(of.operator, left, e.value(of.right))
	}
	is, known := truth(left)
	switch {
	case known && is == (of.operator == "or"):
		return left
	case known:
		return e.value(of.right)
	}
	right := e.value(of.right)
	// the other side decides alone: "x and False", "x or True"
	if b, ok := right.(bool); ok && b == (of.operator == "or") {
		return b
	}
	return e.unknown(doubtful(e.line))
}

func (e *evaluation) unary(operator string, v Value) Value {
	switch operator {
	case "not":
		if is, known := truth(v); known {
			return !is
		}
	case "-":
		switch v := v.(type) {
		case int64:
			return -v
		case float64:
			return -v
		case *Computed:
			return &Computed{"-", []Value{int64(0), v}}
		}
	case "+":
		if _, ok := number(v); ok {
			return v
		}
	}
	if u, ok := v.(Unknown); ok {
		return u
	}
	return e.unknown("it computes with something that is not known")
}
