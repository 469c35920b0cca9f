package pysource

import (
	"strings"
)

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
