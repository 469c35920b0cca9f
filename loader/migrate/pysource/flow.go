package pysource

import (
	"maps"
	"slices"
)

// branch follows an if statement: one branch when its condition is known, else both.
func (e *evaluation) branch(node ifStatement) (Value, flow) {
	is, known := truth(e.value(node.condition))
	switch {
	case known && is:
		return e.run(node.then)
	case known:
		return e.run(node.otherwise)
	}
	before := maps.Clone(e.scope())
	e.doubt = append(e.doubt, e.line)
	value, end := e.run(node.then)
	after := maps.Clone(e.scope())
	e.restore(before)
	otherValue, otherEnd := e.run(node.otherwise)
	e.doubt = e.doubt[:len(e.doubt)-1]
	e.merge(after, e.line)
	if end == otherEnd {
		if same, known := equal(value, otherValue); end == flowReturn && (!same || !known) {
			value = Unknown{doubtful(e.line)}
		}
		return value, end
	}
	if end == flowReturn || otherEnd == flowReturn {
		return Unknown{doubtful(e.line)}, flowReturn
	}
	return None{}, flowOn // one branch ends; the rest continues after the other one
}

// restore sets the names of the scope back.
func (e *evaluation) restore(before map[string]Value) {
	scope := e.scope()
	clear(scope)
	maps.Copy(scope, before)
}

// merge makes names unknown that are another thing after the branch that was followed first.
func (e *evaluation) merge(other map[string]Value, line int) {
	scope := e.scope()
	for key := range scope {
		if _, ok := other[key]; !ok {
			other[key] = Unknown{doubtful(line)}
		}
	}
	for key, v := range other {
		mine, ok := scope[key]
		if ok && sameValue(mine, v) {
			continue
		}
		scope[key] = Unknown{doubtful(line)}
	}
}

func sameValue(a, b Value) bool {
	switch a.(type) {
	case *List, *Dict, *Computed, *function, method, openFile, code, reference, object, Unknown, marker, exit:
		return a == b
	}
	same, known := equal(a, b)
	return same && known
}

// loop follows a for statement, whose body runs for each known item, or once for an unknown one.
func (e *evaluation) loop(node forStatement) (Value, flow) {
	items, ok := iterate(e.value(node.of))
	if !ok {
		e.doubt = append(e.doubt, e.line)
		before := maps.Clone(e.scope())
		e.bind(node.target, Unknown{"it is an item of something that is not known"})
		e.run(node.body)
		e.doubt = e.doubt[:len(e.doubt)-1]
		e.merge(before, e.line)
		e.note("it loops over something that is not known")
		return None{}, flowOn
	}
	for _, item := range items {
		e.bind(node.target, item)
		value, end := e.run(node.body)
		switch end {
		case flowReturn, flowEnd:
			return value, end
		case flowBreak:
			return None{}, flowOn
		}
	}
	return e.run(node.otherwise)
}

// iterate returns the values of a for statement, and whether they are known.
func iterate(v Value) ([]Value, bool) {
	switch v := v.(type) {
	case *List:
		return slices.Clone(v.Items), true
	case *Dict:
		return slices.Clone(v.Keys), true
	case string:
		if len(v) > maxItems {
			return nil, false
		}
		var all []Value
		for _, r := range v {
			all = append(all, string(r))
		}
		return all, true
	}
	return nil, false
}

// repeat follows a while statement, whose body may run any number of times.
func (e *evaluation) repeat(node whileStatement) (Value, flow) {
	if is, known := truth(e.value(node.condition)); known && !is {
		return e.run(node.otherwise)
	}
	before := maps.Clone(e.scope())
	e.doubt = append(e.doubt, e.line)
	e.run(node.body)
	e.doubt = e.doubt[:len(e.doubt)-1]
	e.merge(before, e.line)
	e.note("it loops for as long as something is so, which is not known")
	return None{}, flowOn
}
