package pysource

import (
	"path"
	"strings"
)

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
