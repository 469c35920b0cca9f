package pysource

import "maps"

// comprehend follows a comprehension over known items.
func (e *evaluation) comprehend(of comprehension) Value {
	outer := e.locals
	e.locals = make(map[string]Value, len(outer)) // never nil
	maps.Copy(e.locals, outer)
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
		e.bind(first.target, item)
		if !e.goThrough(clauses[1:], do) {
			return false
		}
	}
	return true
}
