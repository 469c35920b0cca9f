package pysource

import (
	"strings"
)

// attribute returns the value of "value.name".
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
		return tuple(int64(3), int64(12), int64(0), "final", int64(0))
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
		if v := known(e, args, keywords); v != nil {
			return v
		}
		if u := unknownOf(args); u != nil {
			return u
		}
		return e.unknown("it calls " + string(f) + " with what is not known")
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

func first(args []Value) Value {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

func second(args []Value) Value {
	if len(args) < 2 {
		return nil
	}
	return args[1]
}
