package pysource

import (
	"maps"
	"path"
	"slices"
	"strings"
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

// parents is the value of Path.parents.
type parents struct{ path Path }

func (p parents) of(n int) Path {
	dir := string(p.path)
	for range n {
		dir = path.Dir(dir)
	}
	return Path(dir)
}

func (e *evaluation) pathAttribute(p Path, name string) Value {
	base := path.Base(string(p))
	switch name {
	case "parent":
		return Path(path.Dir(string(p)))
	case "parents":
		return parents{p}
	case "name":
		return base
	case "suffix":
		return path.Ext(base)
	case "stem":
		return strings.TrimSuffix(base, path.Ext(base))
	}
	return method{p, name}
}

func (e *evaluation) pathMethod(p Path, name string, args []Value) Value {
	switch name {
	case "resolve", "absolute":
		return pathOf(e.absolute(string(p)))
	case "expanduser":
		if !strings.HasPrefix(string(p), "~") {
			return p
		}
	case "joinpath":
		for _, arg := range args {
			s, ok := text(arg)
			if !ok {
				return nil
			}
			p = joinPath(p, s)
		}
		return p
	case "as_posix", "__str__":
		return string(p)
	case "exists", "is_file", "is_dir":
		return e.exists(string(p))
	case "with_name":
		if s, ok := first(args).(string); ok {
			return Path(path.Join(path.Dir(string(p)), s))
		}
	case "read_text":
		return &Computed{"file", []Value{string(p)}}
	}
	return nil
}

func pathOf(v Value) Value {
	if s, ok := v.(string); ok {
		return Path(s)
	}
	return v
}

// stringMethods are the methods of strings without an argument.
var stringMethods = map[string]func(s string) Value{
	"lower":      func(s string) Value { return strings.ToLower(s) },
	"upper":      func(s string) Value { return strings.ToUpper(s) },
	"strip":      func(s string) Value { return strings.TrimSpace(s) },
	"rstrip":     func(s string) Value { return strings.TrimRight(s, " \t\r\n\v\f") },
	"lstrip":     func(s string) Value { return strings.TrimLeft(s, " \t\r\n\v\f") },
	"split":      func(s string) Value { return list(strings.Fields(s)) },
	"splitlines": func(s string) Value { return list(strings.Split(strings.TrimSuffix(s, "\n"), "\n")) },
	"isdigit":    func(s string) Value { return s != "" && strings.Trim(s, "0123456789") == "" },
}

// textMethods are the methods of strings with a string as their argument.
var textMethods = map[string]func(s, arg string) Value{
	"strip":        func(s, arg string) Value { return strings.Trim(s, arg) },
	"rstrip":       func(s, arg string) Value { return strings.TrimRight(s, arg) },
	"lstrip":       func(s, arg string) Value { return strings.TrimLeft(s, arg) },
	"startswith":   func(s, arg string) Value { return strings.HasPrefix(s, arg) },
	"endswith":     func(s, arg string) Value { return strings.HasSuffix(s, arg) },
	"removeprefix": func(s, arg string) Value { return strings.TrimPrefix(s, arg) },
	"removesuffix": func(s, arg string) Value { return strings.TrimSuffix(s, arg) },
	"find":         func(s, arg string) Value { return int64(strings.Index(s, arg)) },
}

func (e *evaluation) stringMethod(s, name string, args []Value, keywords map[string]Value) Value {
	arg, hasText := first(args).(string)
	switch name {
	case "format":
		return e.formatBraces(s, args, keywords)
	case "join":
		return e.joinItems(s, first(args))
	case "encode", "decode":
		return s
	}
	if method := stringMethods[name]; len(args) == 0 && method != nil {
		return method(s)
	}
	if !hasText {
		return nil
	}
	if method := textMethods[name]; method != nil {
		return method(s, arg)
	}
	switch name {
	case "split":
		if arg == "" {
			return nil
		}
		if n, ok := second(args).(int64); ok && n >= 0 {
			return list(strings.SplitN(s, arg, int(min(n, maxItems))+1))
		}
		return list(strings.Split(s, arg))
	case "rsplit":
		at := strings.LastIndex(s, arg)
		if second(args) != int64(1) || at < 0 || arg == "" {
			return nil
		}
		return list([]string{s[:at], s[at+len(arg):]})
	case "replace":
		if to, ok := second(args).(string); ok && (arg != "" || len(s)*len(to) <= maxString) && len(to)*(strings.Count(s, arg)+1) <= maxString {
			return strings.ReplaceAll(s, arg, to)
		}
	}
	return nil
}

func list(texts []string) *List {
	l := &List{}
	for _, one := range texts {
		l.Items = append(l.Items, one)
	}
	return l
}

func (e *evaluation) joinItems(separator string, of Value) Value {
	items, ok := iterate(of)
	if !ok {
		return nil
	}
	length := 0
	var all []string
	for _, item := range items {
		if u, is := item.(Unknown); is {
			return u
		}
		s, ok := item.(string)
		if length += len(s) + len(separator); !ok || length > maxString {
			return nil
		}
		all = append(all, s)
	}
	return strings.Join(all, separator)
}
