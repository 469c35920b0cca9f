package pysource

import (
	"math"
	"path"
	"strings"
)

// operate follows an operator with two sides.
func (e *evaluation) operate(operator string, a, b Value) Value {
	if u, ok := a.(Unknown); ok {
		return u
	}
	if u, ok := b.(Unknown); ok {
		return u
	}
	if v := e.operateText(operator, a, b); v != nil {
		return e.limited(v)
	}
	_, computedA := a.(*Computed)
	_, computedB := b.(*Computed)
	x, numberA := number(a)
	y, numberB := number(b)
	switch {
	case (computedA || computedB) && (computedA || numberA) && (computedB || numberB) && isArithmetic(operator):
		return &Computed{operator, []Value{a, b}}
	case numberA && numberB:
		if v := calculate(operator, x, y, isFloat(a) || isFloat(b)); v != nil {
			return v
		}
	}
	return e.unknown("it computes with something that is not known")
}

func isArithmetic(operator string) bool {
	switch operator {
	case "+", "-", "*", "/", "//", "%":
		return true
	}
	return false
}

func isFloat(v Value) bool {
	_, ok := v.(float64)
	return ok
}

// calculate returns a number, or nil if it has no result or too large a one.
func calculate(operator string, x, y float64, float bool) Value {
	var result float64
	switch operator {
	case "+":
		result = x + y
	case "-":
		result = x - y
	case "*":
		result = x * y
	case "**":
		result = math.Pow(x, y)
	case "/":
		result, float = x/y, true
	case "//":
		result = math.Floor(x / y)
	case "%":
		result = x - y*math.Floor(x/y)
	case "|", "&", "^", "<<", ">>":
		if float || y < 0 || y > 62 && len(operator) == 2 {
			return nil
		}
		return calculateBits(operator, int64(x), int64(y))
	default:
		return nil
	}
	if math.IsNaN(result) || math.Abs(result) > 1<<53 {
		return nil
	}
	if float {
		return result
	}
	return int64(result)
}

func calculateBits(operator string, x, y int64) Value {
	switch operator {
	case "|":
		return x | y
	case "&":
		return x & y
	case "^":
		return x ^ y
	case ">>":
		return x >> y
	}
	if x < 0 || y > 30 || x > 1<<20 {
		return nil
	}
	return x << y
}

// operateText follows operators of strings, paths and lists; nil when they are none.
func (e *evaluation) operateText(operator string, a, b Value) Value {
	switch a := a.(type) {
	case string:
		switch operator {
		case "+":
			if b, ok := b.(string); ok {
				return a + b
			}
		case "%":
			return e.formatPercent(a, b)
		case "*":
			if n, ok := b.(int64); ok && n*int64(len(a)) <= maxString && n <= maxString {
				return strings.Repeat(a, int(max(n, 0)))
			}
		case "/":
			if b, ok := b.(Path); ok {
				return Path(path.Join(a, string(b)))
			}
		}
	case Path:
		if s, ok := text(b); ok && operator == "/" {
			return joinPath(a, s)
		}
	case *List:
		if b, ok := b.(*List); ok && operator == "+" {
			return &List{Items: append(append([]Value{}, a.Items...), b.Items...), Tuple: a.Tuple}
		}
	}
	return nil
}

func joinPath(a Path, b string) Path {
	if strings.HasPrefix(b, "/") {
		return Path(path.Clean(b))
	}
	return Path(path.Join(string(a), b))
}

// formatPercent follows "… %s …" % values. Other conversions than s, d, i and r are not followed.
func (e *evaluation) formatPercent(format string, values Value) Value {
	items := []Value{values}
	if list, ok := values.(*List); ok && list.Tuple {
		items = list.Items
	}
	dict, _ := values.(*Dict)
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		if i++; i == len(format) {
			return e.unknown("its format ends with %")
		}
		if format[i] == '%' {
			b.WriteByte('%')
			continue
		}
		var v Value
		if format[i] == '(' {
			end := strings.IndexByte(format[i:], ')')
			if end < 0 || dict == nil || i+end+1 >= len(format) {
				return e.unknown("its format has a name that is not known")
			}
			v = dict.Get(format[i+1 : i+end])
			i += end + 1
		} else if len(items) > 0 {
			v, items = items[0], items[1:]
		}
		s, ok := text(v)
		if format[i] == 'r' {
			s, ok = represent(v)
		}
		if !ok || !strings.ContainsRune("sdir", rune(format[i])) {
			if u, is := v.(Unknown); is {
				return u
			}
			return e.unknown("it formats a value in a way that is not followed")
		}
		b.WriteString(s)
	}
	return b.String()
}

// formatBraces follows "… {} …".format(…).
func (e *evaluation) formatBraces(format string, args []Value, keywords map[string]Value) Value {
	var b strings.Builder
	next := 0
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '{' && c != '}' {
			b.WriteByte(c)
			continue
		}
		if i+1 < len(format) && format[i+1] == c {
			b.WriteByte(c)
			i++
			continue
		}
		end := strings.IndexByte(format[i:], '}')
		if c == '}' || end < 0 {
			return e.unknown("its format has a single bracket")
		}
		name := format[i+1 : i+end]
		i += end
		var v Value
		switch {
		case name == "" && next < len(args):
			v = args[next]
			next++
		case len(name) == 1 && isDigit(name[0]) && int(name[0]-'0') < len(args):
			v = args[name[0]-'0']
		default:
			v = keywords[name]
		}
		s, ok := text(v)
		if !ok {
			if u, is := v.(Unknown); is {
				return u
			}
			return e.unknown("it formats a value in a way that is not followed")
		}
		b.WriteString(s)
	}
	return b.String()
}
