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
	return nil
}

func toList(e *evaluation, args []Value, _ map[string]Value) Value {
	if len(args) == 0 {
		return &List{}
	}
	if items, ok := iterate(args[0]); ok {
		return &List{Items: items}
	}
	return nil
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
		return nil
	}
	return d
}

func sortItems(e *evaluation, args []Value, keywords map[string]Value) Value {
	items, ok := iterate(first(args))
	if !ok || len(keywords) > 0 {
		return nil
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

// ofItems makes a function of the items of its first argument.
func ofItems(f func(e *evaluation, items []Value) Value) known {
	return func(e *evaluation, args []Value, _ map[string]Value) Value {
		if items, ok := iterate(first(args)); ok {
			return f(e, items)
		}
		return nil
	}
}

func reverseItems(_ *evaluation, items []Value) Value {
	slices.Reverse(items)
	return &List{Items: items}
}

// decidedBy returns a function that returns whether one item equals deciding, else its opposite.
func decidedBy(deciding bool) known {
	return ofItems(func(_ *evaluation, items []Value) Value {
		for _, item := range items {
			if is, known := truth(item); !known {
				return nil
			} else if is == deciding {
				return deciding
			}
		}
		return !deciding
	})
}

func enumerate(_ *evaluation, items []Value) Value {
	l := &List{}
	for i, item := range items {
		l.Items = append(l.Items, tuple(int64(i), item))
	}
	return l
}

func sumItems(e *evaluation, items []Value) Value {
	var total Value = int64(0)
	for _, item := range items {
		total = e.operate("+", total, item)
	}
	return total
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
		return nil
	}
	l := &List{}
	for i := low; (step > 0 && i < high || step < 0 && i > high) && len(l.Items) < maxItems; i += step {
		l.Items = append(l.Items, i)
	}
	return l
}
