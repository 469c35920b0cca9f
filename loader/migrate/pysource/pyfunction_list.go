package pysource

import (
	"slices"
)

// The functions of Python for lists and other collections, as far as calls of them are followed.

func length(e *evaluation, args []Value, _ map[string]Value) Value {
	switch v := first(args).(type) {
	case string:
		return int64(len(v))
	case *List:
		return int64(len(v.Items))
	case *Dict:
		return int64(len(v.Keys))
	case cpuSet:
		return &Computed{Op: "cpus"}
	}
	return unknownOf(args)
}

func toList(e *evaluation, args []Value, _ map[string]Value) Value {
	if len(args) == 0 {
		return &List{}
	}
	if items, ok := iterate(args[0]); ok {
		return &List{Items: items}
	}
	return unknownOf(args)
}

func toTuple(e *evaluation, args []Value, keywords map[string]Value) Value {
	v := toList(e, args, keywords)
	if l, ok := v.(*List); ok {
		l.Tuple = true
	}
	return v
}

func toDict(e *evaluation, args []Value, keywords map[string]Value) Value {
	d := &Dict{}
	if other, ok := first(args).(*Dict); ok {
		d.Keys, d.Values = slices.Clone(other.Keys), slices.Clone(other.Values)
		args = nil
	}
	if e.dictMethod(d, "update", args, keywords) == nil {
		return unknownOf(args)
	}
	return d
}

func sortItems(e *evaluation, args []Value, keywords map[string]Value) Value {
	items, ok := iterate(first(args))
	if !ok || len(keywords) > 0 {
		return unknownOf(args)
	}
	for i := 1; i < len(items); i++ {
		if _, known := compareOrder(items[i-1], items[i]); !known {
			return nil
		}
	}
	slices.SortStableFunc(items, func(a, b Value) int {
		order, _ := compareOrder(a, b)
		return order
	})
	return &List{Items: items}
}

func reverseItems(e *evaluation, args []Value, _ map[string]Value) Value {
	items, ok := iterate(first(args))
	if !ok {
		return unknownOf(args)
	}
	slices.Reverse(items)
	return &List{Items: items}
}

func anyItem(e *evaluation, args []Value, _ map[string]Value) Value {
	return e.decide(first(args), true)
}

func allItems(e *evaluation, args []Value, _ map[string]Value) Value {
	return e.decide(first(args), false)
}

// decide returns whether one item is what decides, else its opposite.
func (e *evaluation) decide(of Value, deciding bool) Value {
	items, ok := iterate(of)
	if !ok {
		return nil
	}
	for _, item := range items {
		is, known := truth(item)
		switch {
		case !known:
			return nil
		case is == deciding:
			return deciding
		}
	}
	return !deciding
}

func enumerate(e *evaluation, args []Value, _ map[string]Value) Value {
	items, ok := iterate(first(args))
	if !ok {
		return unknownOf(args)
	}
	l := &List{}
	for i, item := range items {
		l.Items = append(l.Items, &List{Items: []Value{int64(i), item}, Tuple: true})
	}
	return l
}

func makeRange(e *evaluation, args []Value, _ map[string]Value) Value {
	low, step := int64(0), int64(1)
	high, ok := first(args).(int64)
	if len(args) > 1 {
		low = high
		high, ok = args[1].(int64)
		if len(args) > 2 {
			step, _ = args[2].(int64)
		}
	}
	if !ok || step == 0 || (high-low)/step > maxItems {
		return unknownOf(args)
	}
	l := &List{}
	for i := low; (step > 0 && i < high || step < 0 && i > high) && len(l.Items) < maxItems; i += step {
		l.Items = append(l.Items, i)
	}
	return l
}
