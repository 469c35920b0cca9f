package pysource

import (
	"math"
	"strconv"
	"strings"
)

// The functions of Python for numbers, as far as calls of them are followed.

func toInt(e *evaluation, args []Value, _ map[string]Value) Value {
	switch v := first(args).(type) {
	case bool:
		n, _ := number(v)
		return int64(n)
	case int64:
		return v
	case float64:
		return int64(v)
	case string:
		base := 10
		if b, ok := second(args).(int64); ok && (b == 0 || b >= 2 && b <= 36) {
			base = int(b)
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(v), base, 64); err == nil {
			return n
		}
	case *Computed:
		return &Computed{"int", []Value{v}}
	}
	return nil
}

func toFloat(e *evaluation, args []Value, _ map[string]Value) Value {
	switch v := first(args).(type) {
	case bool, int64, float64:
		n, _ := number(v)
		return n
	case string:
		if n, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
			return n
		}
	case *Computed:
		return v
	}
	return nil
}

func least(_ *evaluation, args []Value, _ map[string]Value) Value { return extreme("min", args) }

func greatest(_ *evaluation, args []Value, _ map[string]Value) Value { return extreme("max", args) }

// extreme returns the least or greatest of some values.
func extreme(op string, args []Value) Value {
	if len(args) == 1 {
		args, _ = iterate(args[0])
	}
	if u := unknownOf(args); u != nil || len(args) == 0 {
		return u
	}
	best := args[0]
	for _, arg := range args {
		if _, ok := arg.(*Computed); ok {
			return &Computed{op, args}
		}
		order, known := compareOrder(arg, best)
		if !known {
			return nil
		}
		if order < 0 && op == "min" || order > 0 && op == "max" {
			best = arg
		}
	}
	return best
}

func absoluteNumber(e *evaluation, args []Value, _ map[string]Value) Value {
	switch v := first(args).(type) {
	case int64:
		return max(v, -v)
	case float64:
		return math.Abs(v)
	}
	return nil
}

func roundNumber(e *evaluation, args []Value, keywords map[string]Value) Value {
	if len(args) > 1 {
		return nil
	}
	return roundWith(math.RoundToEven)(e, args, keywords)
}

func roundWith(f func(float64) float64) known {
	return func(e *evaluation, args []Value, _ map[string]Value) Value {
		switch v := first(args).(type) {
		case int64:
			return v
		case float64:
			return int64(f(v))
		case *Computed:
			return &Computed{"int", []Value{v}}
		}
		return nil
	}
}
