package pysource

import (
	"strings"
)

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
