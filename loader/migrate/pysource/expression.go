package pysource

import (
	"slices"
	"strings"
)

func cutDot(text string) (before, after string, found bool) { return strings.Cut(text, ".") }

// value returns what an expression comes to.
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
		e.record(statement{line: e.line, end: e.line}, of.name, v, "")
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

// comprehend follows a comprehension over known items.
func (e *evaluation) comprehend(of comprehension) Value {
	outer := e.locals
	e.locals = map[string]Value{}
	for k, v := range outer {
		e.locals[k] = v
	}
	defer func() { e.locals = outer }()
	list, dict := &List{}, &Dict{}
	known := e.goThrough(of.clauses, func() bool {
		v := e.value(of.item)
		if of.key == nil {
			list.Items = append(list.Items, v)
			return len(list.Items) <= maxItems
		}
		k := e.value(of.key)
		if isPlain(k) {
			dict.set(k, v)
		}
		return isPlain(k) && len(dict.Keys) <= maxItems
	})
	switch {
	case !known:
		return e.unknown("it goes through something that is not known")
	case of.key != nil:
		return dict
	}
	return list
}

// goThrough calls do for each combination of items of the clauses. It reports whether all of them
// are known.
func (e *evaluation) goThrough(clauses []clause, do func() bool) bool {
	if len(clauses) == 0 {
		return do()
	}
	first := clauses[0]
	v := e.value(first.of)
	if first.target == nil {
		is, known := truth(v)
		return known && (!is || e.goThrough(clauses[1:], do))
	}
	items, ok := iterate(v)
	if !ok {
		return false
	}
	for _, item := range items {
		e.bind(statement{line: e.line, end: e.line}, first.target, item, "")
		if !e.goThrough(clauses[1:], do) {
			return false
		}
	}
	return true
}

// join puts strings beside each other.
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
	// what the other side decides alone: "x and False", "x or True"
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

func (e *evaluation) compareChain(of comparison) Value {
	left := e.value(of.first)
	for i, operator := range of.operators {
		right := e.value(of.others[i])
		is, known := e.compare(operator, left, right)
		if !known {
			return e.unknown("it compares something that is not known")
		}
		if !is {
			return false
		}
		left = right
	}
	return true
}

func (e *evaluation) compare(operator string, a, b Value) (is, known bool) {
	switch operator {
	case "==", "is":
		return equal(a, b)
	case "!=", "is not":
		is, known = equal(a, b)
		return !is, known
	case "in":
		return e.contains(b, a)
	case "not in":
		is, known = e.contains(b, a)
		return !is, known
	}
	order, known := compareOrder(a, b)
	switch operator {
	case "<":
		return order < 0, known
	case "<=":
		return order <= 0, known
	case ">":
		return order > 0, known
	default:
		return order >= 0, known
	}
}

// compareOrder orders two numbers, strings or lists.
func compareOrder(a, b Value) (order int, known bool) {
	budget := maxItems
	return compareWithin(a, b, &budget)
}

func compareWithin(a, b Value, budget *int) (order int, known bool) {
	if *budget--; *budget < 0 {
		return 0, false
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		switch {
		case !ok:
			return 0, false
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return strings.Compare(a, b), ok
	case *List:
		b, ok := b.(*List)
		if !ok {
			return 0, false
		}
		for i := range min(len(a.Items), len(b.Items)) {
			if order, known := compareWithin(a.Items[i], b.Items[i], budget); order != 0 || !known {
				return order, known
			}
		}
		return len(a.Items) - len(b.Items), true
	}
	return 0, false
}

// contains reports whether something has an item, a key or a part.
func (e *evaluation) contains(whole, item Value) (is, known bool) {
	if whole == reference("os.environ") {
		key, ok := item.(string)
		if !ok {
			return false, false
		}
		_, none := e.readVariable(key, None{}).(None)
		return !none, true
	}
	switch whole := whole.(type) {
	case string:
		part, ok := item.(string)
		return ok && strings.Contains(whole, part), ok
	case *List, *Dict:
		items, _ := iterate(whole)
		known = true
		for _, one := range items {
			same, sure := equal(one, item)
			if same && sure {
				return true, true
			}
			known = known && sure
		}
		return false, known
	}
	return false, false
}

// bounds returns where a slice of something of a length begins and ends.
func (e *evaluation) bounds(s sliceIndex, length int) (low, high int, ok bool) {
	place := func(of expression, otherwise int) (int, bool) {
		if of == nil {
			return otherwise, true
		}
		v := e.value(of)
		if _, none := v.(None); none {
			return otherwise, true
		}
		i, ok := v.(int64)
		if i < 0 {
			i += int64(length)
		}
		return int(min(max(i, 0), int64(length))), ok
	}
	low, ok = place(s.low, 0)
	high, ok2 := place(s.high, length)
	return low, high, ok && ok2
}

func (e *evaluation) subscript(of Value, index expression) Value {
	if of == reference("os.environ") {
		key, ok := e.value(index).(string)
		if !ok {
			return e.unknown("it asks for an environment variable whose name is not known")
		}
		return e.readVariable(key, nil)
	}
	if slice, ok := index.(sliceIndex); ok {
		return e.slice(of, slice)
	}
	i := e.value(index)
	switch of := of.(type) {
	case *Dict:
		for j, key := range of.Keys {
			if same, known := equal(key, i); same && known {
				return of.Values[j]
			}
		}
		return e.unknown("it asks for a key that is not there")
	case *List:
		if at, ok := place(i, len(of.Items)); ok {
			return of.Items[at]
		}
	case string:
		if at, ok := place(i, len(of)); ok {
			return of[at : at+1]
		}
	case parents:
		if n, ok := i.(int64); ok && n >= 0 && n < maxDepth {
			return of.of(int(n) + 1)
		}
	case Unknown:
		return of
	}
	return e.unknown("it asks for a part of something that is not known")
}

// place returns the index of an item, counted from the end when it is negative.
func place(v Value, length int) (int, bool) {
	i, ok := v.(int64)
	if i < 0 {
		i += int64(length)
	}
	return int(i), ok && i >= 0 && i < int64(length)
}

func (e *evaluation) slice(of Value, s sliceIndex) Value {
	if s.step == nil {
		switch of := of.(type) {
		case *List:
			if low, high, ok := e.bounds(s, len(of.Items)); ok {
				return &List{Items: slices.Clone(of.Items[low:max(low, high)]), Tuple: of.Tuple}
			}
		case string:
			if low, high, ok := e.bounds(s, len(of)); ok {
				return of[low:max(low, high)]
			}
		}
	}
	return e.unknown("it asks for a part of something that is not known")
}
