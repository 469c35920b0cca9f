package pysource

import (
	"slices"
)

// extend appends the items of a value to a list.
func (e *evaluation) extend(l *List, v Value) {
	items, ok := iterate(v)
	if !ok || len(items)+len(l.Items) > maxItems {
		items = []Value{e.unknown("it is extended by something that is not known")}
	}
	l.Items = append(l.Items, e.doubtedItems(l, items)...)
}

func (e *evaluation) listMethod(l *List, name string, args []Value) Value {
	defer e.trackPath()
	if len(l.Items) >= maxItems {
		return nil
	}
	switch {
	case name == "append" && len(args) == 1:
		l.Items = append(l.Items, e.doubtedItems(l, args)...)
	case name == "insert" && len(args) == 2:
		i, ok := args[0].(int64)
		if i < 0 {
			i += int64(len(l.Items))
		}
		if !ok {
			return nil
		}
		l.Items = slices.Insert(l.Items, int(min(max(i, 0), int64(len(l.Items)))), e.doubtedItems(l, args[1:])...)
	case name == "extend" && len(args) == 1:
		e.extend(l, args[0])
	case name == "remove" && len(args) == 1:
		for i, item := range l.Items {
			if same, known := equal(item, args[0]); same && known {
				l.Items = slices.Delete(l.Items, i, i+1)
				return None{}
			}
		}
		return nil
	case name == "pop" && len(args) <= 1:
		at, ok := len(l.Items)-1, len(l.Items) > 0
		if len(args) == 1 {
			at, ok = place(args[0], len(l.Items))
		}
		if !ok {
			return nil
		}
		v := l.Items[at]
		l.Items = slices.Delete(l.Items, at, at+1)
		return v
	case name == "reverse" && len(args) == 0:
		slices.Reverse(l.Items)
	case name == "copy" && len(args) == 0:
		return &List{Items: slices.Clone(l.Items)}
	case name == "index" && len(args) == 1:
		for i, item := range l.Items {
			if same, known := equal(item, args[0]); same && known {
				return int64(i)
			}
		}
		return nil
	default:
		return nil
	}
	return None{}
}
