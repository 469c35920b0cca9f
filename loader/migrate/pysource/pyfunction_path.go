package pysource

import (
	"path"
	"strings"
)

// The functions of Python for paths, as far as calls of them are followed.

func dirname(p string) string {
	at := strings.LastIndexByte(p, '/') + 1
	head := p[:at]
	if strings.Trim(head, "/") != "" {
		head = strings.TrimRight(head, "/")
	}
	return head
}

func basename(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// onPath makes a function of one path.
func onPath(f func(string) string) known {
	return func(e *evaluation, args []Value, _ map[string]Value) Value {
		if s, ok := pathText(first(args)); ok && len(args) == 1 {
			return f(s)
		}
		return unknownOf(args)
	}
}

func pathText(v Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Path:
		return string(v), true
	}
	return "", false
}

func joinPaths(e *evaluation, args []Value, _ map[string]Value) Value {
	joined := ""
	for i, arg := range args {
		s, ok := pathText(arg)
		switch {
		case !ok:
			return unknownOf(args)
		case i == 0 || strings.HasPrefix(s, "/"):
			joined = s
		case joined == "" || strings.HasSuffix(joined, "/"):
			joined += s
		default:
			joined += "/" + s
		}
	}
	return e.limited(joined)
}

func (e *evaluation) absolute(p string) Value {
	switch {
	case strings.HasPrefix(p, "/"):
		return path.Clean(p)
	case e.dir != "":
		return path.Join(e.dir, p)
	}
	return e.unknown("it depends on the working directory, which is not known")
}

func absolutePath(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		return e.absolute(s)
	}
	return unknownOf(args)
}

func expandUser(e *evaluation, args []Value, _ map[string]Value) Value {
	s, ok := pathText(first(args))
	if !ok {
		return unknownOf(args)
	}
	rest, mine := strings.CutPrefix(s, "~/")
	home, set := e.environ["HOME"].(string)
	switch {
	case !strings.HasPrefix(s, "~"):
		return s
	case mine && set:
		return path.Join(home, rest)
	}
	return e.unknown("it depends on the home folder of the user that executes the file")
}

func expandVariables(e *evaluation, args []Value, _ map[string]Value) Value {
	s, ok := pathText(first(args))
	if ok && !strings.Contains(s, "$") {
		return s
	}
	return unknownOf(args)
}

func (e *evaluation) exists(p string) Value {
	if e.options.Exists == nil {
		return e.unknown("it depends on which files there are")
	}
	return e.options.Exists(p)
}

func pathExists(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		return e.exists(s)
	}
	return unknownOf(args)
}

func isAbsolute(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		return strings.HasPrefix(s, "/")
	}
	return unknownOf(args)
}

func splitPath(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		return &List{Items: []Value{dirname(s), basename(s)}, Tuple: true}
	}
	return unknownOf(args)
}

func splitExtension(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		extension := path.Ext(s)
		return &List{Items: []Value{strings.TrimSuffix(s, extension), extension}, Tuple: true}
	}
	return unknownOf(args)
}

func newPath(e *evaluation, args []Value, _ map[string]Value) Value {
	if len(args) == 0 {
		return Path(".")
	}
	return pathOf(onPath(path.Clean)(e, []Value{joinPaths(e, args, nil)}, nil))
}
