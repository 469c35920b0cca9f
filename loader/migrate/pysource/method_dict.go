package pysource

import (
	"maps"
	"slices"
)

func (e *evaluation) dictMethod(d *Dict, name string, args []Value, keywords map[string]Value) Value {
	switch name {
	case "get", "setdefault":
		for i, key := range d.Keys {
			if same, known := equal(key, first(args)); same && known {
				return d.Values[i]
			}
		}
		if !isPlain(first(args)) {
			return nil
		}
		var otherwise Value = None{}
		if len(args) > 1 {
			otherwise = args[1]
		}
		if name == "setdefault" && len(d.Keys) < maxItems {
			d.set(args[0], e.doubted(otherwise))
		}
		return otherwise
	case "update":
		if other, ok := first(args).(*Dict); ok && len(other.Keys)+len(d.Keys) <= maxItems {
			for i, key := range other.Keys {
				d.set(key, e.doubted(other.Values[i]))
			}
		} else if len(args) > 0 {
			return nil
		}
		for _, key := range slices.Sorted(maps.Keys(keywords)) {
			d.set(key, e.doubted(keywords[key]))
		}
		return None{}
	case "keys":
		return &List{Items: slices.Clone(d.Keys)}
	case "values":
		return &List{Items: slices.Clone(d.Values)}
	case "items", "iteritems":
		l := &List{}
		for i, key := range d.Keys {
			l.Items = append(l.Items, tuple(key, d.Values[i]))
		}
		return l
	case "copy":
		return &Dict{slices.Clone(d.Keys), slices.Clone(d.Values)}
	}
	return nil
}
