package pysource

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// attribute returns what "value.name" is.
func (e *evaluation) attribute(of Value, name string) Value {
	switch of := of.(type) {
	case reference:
		return e.member(string(of) + "." + name)
	case Path:
		return e.pathAttribute(of, name)
	case Unknown:
		return of
	case object:
		return e.unknown("it uses " + of.made + ", which is not executed")
	case *function:
		return e.unknown("it uses an attribute of a function")
	}
	return method{of, name}
}

// member returns something of a module, by its whole name.
func (e *evaluation) member(name string) Value {
	switch name {
	case "sys.path":
		return e.path
	case "sys.version_info":
		return &List{Items: []Value{int64(3), int64(12), int64(0), "final", int64(0)}, Tuple: true}
	case "sys.platform":
		return "linux"
	case "os.name":
		return "posix"
	case "os.sep", "os.path.sep":
		return "/"
	case "os.pathsep":
		return ":"
	case "os.linesep":
		return "\n"
	case "os.curdir":
		return "."
	case "os.pardir":
		return ".."
	case "os.environb":
		return e.unknown("it asks for an environment variable as bytes")
	}
	if rest, ok := strings.CutPrefix(name, "os.environ."); ok {
		return method{reference("os.environ"), rest}
	}
	if rest, ok := strings.CutPrefix(name, "six.moves."); ok {
		return reference(rest)
	}
	if rest, ok := strings.CutPrefix(name, "posixpath."); ok {
		return reference("os.path." + rest)
	}
	return reference(name)
}

// call follows a call, of a function that is known.
func (e *evaluation) call(of call) Value {
	f := e.value(of.function)
	args, keywords, ok := e.arguments(of.args)
	if !ok {
		return e.unknown("it passes arguments that are not known")
	}
	switch f := f.(type) {
	case *function:
		return e.follow(f, args, keywords)
	case method:
		return e.callMethod(f, args, keywords)
	case reference:
		known, ok := functions[string(f)]
		if !ok {
			return object{string(f) + "()"}
		}
		v := known(e, args, keywords)
		if v == nil {
			return e.unknown("it calls " + string(f) + " with what is not known")
		}
		return v
	case object:
		return object{f.made}
	case Unknown:
		return f
	}
	return e.unknown("it calls something that is not known")
}

func (e *evaluation) arguments(of []argument) (args []Value, keywords map[string]Value, ok bool) {
	for _, one := range of {
		v := e.value(one.value)
		switch {
		case one.stars == 1:
			items, known := iterate(v)
			if !known {
				return nil, nil, false
			}
			args = append(args, items...)
		case one.stars == 2:
			d, known := v.(*Dict)
			if !known {
				return nil, nil, false
			}
			for i, key := range d.Keys {
				if key, isText := key.(string); isText {
					keywords = with(keywords, key, d.Values[i])
				}
			}
		case one.name != "":
			keywords = with(keywords, one.name, v)
		default:
			args = append(args, v)
		}
	}
	return args, keywords, len(args) <= maxItems
}

func with(m map[string]Value, key string, v Value) map[string]Value {
	if m == nil {
		m = map[string]Value{}
	}
	m[key] = v
	return m
}

// readVariable returns an environment variable. A nil otherwise says that it must be set.
func (e *evaluation) readVariable(name string, otherwise Value) Value {
	v, set := e.environ[name]
	if set {
		if _, removed := v.(None); removed {
			set = false
		}
	}
	if _, own := e.options.Environ[name]; own || !set {
		e.taint[name] = true
		if old, ok := e.reads[name]; !ok || old.Default == nil {
			line := e.line
			if ok {
				line = old.Line
			}
			e.reads[name] = EnvRead{Name: name, Line: line, Default: otherwise, Set: own}
		}
	}
	switch {
	case set:
		return v
	case otherwise == nil:
		return e.unknown("it needs the environment variable " + name + ", which nothing that was read sets")
	}
	return otherwise
}

// callMethod follows methods of the values that are known.
func (e *evaluation) callMethod(m method, args []Value, keywords map[string]Value) Value {
	for _, arg := range args {
		if u, ok := arg.(Unknown); ok {
			if _, isList := m.of.(*List); !isList && m.of != reference("os.environ") {
				return u
			}
		}
	}
	var v Value
	switch of := m.of.(type) {
	case reference:
		v = e.environMethod(m.name, args, keywords)
	case string:
		v = e.stringMethod(of, m.name, args, keywords)
	case Path:
		v = e.pathMethod(of, m.name, args)
	case *List:
		v = e.listMethod(of, m.name, args)
	case *Dict:
		v = e.dictMethod(of, m.name, args, keywords)
	case openFile:
		if m.name == "read" {
			v = &Computed{"file", []Value{of.path}}
		}
	case *Computed:
		if of.Op == "file" && (strings.HasSuffix(m.name, "strip") || m.name == "decode") {
			v = of
		}
	}
	if v == nil {
		return e.unknown("it calls the method " + m.name + ", which is not followed")
	}
	return e.limited(v)
}

// environMethod follows methods of os.environ.
func (e *evaluation) environMethod(name string, args []Value, keywords map[string]Value) Value {
	s := statement{line: e.line, end: e.line}
	key, isText := first(args).(string)
	switch name {
	case "get", "pop":
		if !isText {
			return nil
		}
		var otherwise Value = None{}
		if len(args) > 1 {
			otherwise = args[1]
		} else if v, ok := keywords["default"]; ok {
			otherwise = v
		}
		return e.readVariable(key, otherwise)
	case "setdefault":
		if !isText || len(args) != 2 {
			return nil
		}
		e.setVariable(s, key, args[1], true)
		return e.environ[key]
	case "update":
		if d, ok := first(args).(*Dict); ok {
			for i, key := range d.Keys {
				e.setVariable(s, key, d.Values[i], false)
			}
		} else if len(args) > 0 {
			return nil
		}
		for _, key := range slices.Sorted(maps.Keys(keywords)) {
			e.setVariable(s, key, keywords[key], false)
		}
		return None{}
	case "copy":
		return e.unknown("it copies all environment variables")
	}
	return nil
}

func first(args []Value) Value {
	if len(args) == 0 {
		return nil
	}
	return args[0]
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
	if len(args) == 0 {
		switch name {
		case "lower":
			return strings.ToLower(s)
		case "upper":
			return strings.ToUpper(s)
		case "strip":
			return strings.TrimSpace(s)
		case "rstrip":
			return strings.TrimRight(s, " \t\r\n\v\f")
		case "lstrip":
			return strings.TrimLeft(s, " \t\r\n\v\f")
		case "split":
			return list(strings.Fields(s))
		case "splitlines":
			return list(strings.Split(strings.TrimSuffix(s, "\n"), "\n"))
		case "isdigit":
			return s != "" && strings.Trim(s, "0123456789") == ""
		}
	}
	if !hasText {
		return nil
	}
	switch name {
	case "strip":
		return strings.Trim(s, arg)
	case "rstrip":
		return strings.TrimRight(s, arg)
	case "lstrip":
		return strings.TrimLeft(s, arg)
	case "startswith":
		return strings.HasPrefix(s, arg)
	case "endswith":
		return strings.HasSuffix(s, arg)
	case "removeprefix":
		return strings.TrimPrefix(s, arg)
	case "removesuffix":
		return strings.TrimSuffix(s, arg)
	case "find":
		return int64(strings.Index(s, arg))
	case "split":
		if arg == "" {
			return nil
		}
		if n, ok := nth(args, 1).(int64); ok && n >= 0 {
			return list(strings.SplitN(s, arg, int(min(n, maxItems))+1))
		}
		return list(strings.Split(s, arg))
	case "rsplit":
		at := strings.LastIndex(s, arg)
		if nth(args, 1) != int64(1) || at < 0 || arg == "" {
			return nil
		}
		return list([]string{s[:at], s[at+len(arg):]})
	case "replace":
		if to, ok := nth(args, 1).(string); ok && (arg != "" || len(s)*len(to) <= maxString) && len(to)*(strings.Count(s, arg)+1) <= maxString {
			return strings.ReplaceAll(s, arg, to)
		}
	}
	return nil
}

func nth(args []Value, n int) Value {
	if n >= len(args) {
		return nil
	}
	return args[n]
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
			l.Items = append(l.Items, &List{Items: []Value{key, d.Values[i]}, Tuple: true})
		}
		return l
	case "copy":
		return &Dict{slices.Clone(d.Keys), slices.Clone(d.Values)}
	}
	return nil
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
