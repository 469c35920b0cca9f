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

// ofPath makes a function of the path that its first argument is.
func ofPath(f func(e *evaluation, path string) Value) known {
	return func(e *evaluation, args []Value, _ map[string]Value) Value {
		if s, ok := pathText(first(args)); ok {
			return f(e, s)
		}
		return nil
	}
}

// onPath makes a function that returns another path.
func onPath(f func(string) string) known {
	return ofPath(func(_ *evaluation, p string) Value { return f(p) })
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
			return nil
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

func (e *evaluation) expandUser(p string) Value {
	rest, mine := strings.CutPrefix(p, "~/")
	home, set := e.environ["HOME"].(string)
	switch {
	case !strings.HasPrefix(p, "~"):
		return p
	case mine && set:
		return path.Join(home, rest)
	}
	return e.unknown("it depends on the home folder of the user that executes the file")
}

func expandVariables(_ *evaluation, p string) Value {
	if strings.Contains(p, "$") {
		return nil
	}
	return p
}

func (e *evaluation) exists(p string) Value {
	if e.options.Exists == nil {
		return e.unknown("it depends on which files there are")
	}
	return e.options.Exists(p)
}

func isAbsolute(_ *evaluation, p string) Value { return strings.HasPrefix(p, "/") }

func splitPath(_ *evaluation, p string) Value { return tuple(dirname(p), basename(p)) }

func splitExtension(_ *evaluation, p string) Value {
	extension := path.Ext(p)
	return tuple(strings.TrimSuffix(p, extension), extension)
}

func newPath(e *evaluation, args []Value, _ map[string]Value) Value {
	if len(args) == 0 {
		return Path(".")
	}
	joined, ok := joinPaths(e, args, nil).(string)
	if !ok {
		return nil
	}
	return Path(path.Clean(joined))
}
