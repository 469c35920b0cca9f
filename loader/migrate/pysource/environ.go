package pysource

import (
	"maps"
	"slices"
)

// readVariable returns an environment variable. A nil otherwise means that it must be set.
func (e *evaluation) readVariable(name string, otherwise Value) Value {
	v, set := e.environ[name]
	if set {
		if _, removed := v.(None); removed {
			set = false
		}
	}
	if _, own := e.options.Environ[name]; own || !set {
		e.taint[name] = true
	}
	switch {
	case set:
		return v
	case otherwise == nil:
		return e.unknown("it needs the environment variable " + name + ", which nothing that was read sets")
	}
	return otherwise
}

// environMethod follows methods of os.environ.
func (e *evaluation) environMethod(name string, args []Value, keywords map[string]Value) Value {
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
		e.setVariable(key, args[1], true)
		return e.environ[key]
	case "update":
		if d, ok := first(args).(*Dict); ok {
			for i, key := range d.Keys {
				e.setVariable(key, d.Values[i], false)
			}
		} else if len(args) > 0 {
			return nil
		}
		for _, key := range slices.Sorted(maps.Keys(keywords)) {
			e.setVariable(key, keywords[key], false)
		}
		return None{}
	case "copy":
		return e.unknown("it copies all environment variables")
	}
	return nil
}
