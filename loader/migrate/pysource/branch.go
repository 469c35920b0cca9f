package pysource

import "maps"

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
	return None{}, flowOn // one branch ends; what follows is as the other one leaves it
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
