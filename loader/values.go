package loader

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// parsed is a string that parse converts to the value of dst. If parse returns false, it has
// reported the mistake.
func parsed[T any](form string, dst *T, parse func(l *leaf, s string) (T, bool)) value {
	return value{form: form, set: func(l *leaf) {
		if s, ok := l.text(); ok {
			if v, ok := parse(l, s); ok {
				*dst = v
			}
		}
	}}
}

// listOf is a list of strings, each of which parse converts to an element of dst. why is the reason
// if it cannot, else "".
func listOf[T any](form, code string, dst *[]T, parse func(l *leaf, s string) (v T, why string)) value {
	return value{form: form, set: func(l *leaf) {
		list, ok := l.texts()
		all := make([]T, 0, len(list))
		for i, s := range list {
			v, why := parse(l, s)
			if why != "" {
				l.failAt(code, l.elementRange(i), why)
				ok = false
			}
			all = append(all, v)
		}
		if ok {
			*dst = all
		}
	}}
}

func text(dst *string) value {
	return parsed("string", dst, func(_ *leaf, s string) (string, bool) { return s, true })
}

func texts(dst *[]string) value {
	return listOf("list of strings", codeValue, dst, func(_ *leaf, s string) (string, string) { return s, "" })
}

// command is a program and its arguments.
func command(dst *[]string) value {
	return value{form: "list of strings", set: func(l *leaf) {
		list, ok := l.texts()
		switch {
		case !ok:
		case len(list) == 0 || list[0] == "":
			l.wrong("%q must name a program.", l.name)
		default:
			*dst = list
		}
	}}
}

// withPort allows ${PORT} in expressions of v. It stays unevaluated, because the port is known only
// when a worker starts.
func withPort(v value) value {
	v.names = map[string]cty.Value{"PORT": cty.StringVal("$PORT")}
	return v
}

func truth(dst *bool) value {
	return value{form: "true or false", set: func(l *leaf) {
		if l.value.Type() != cty.Bool {
			l.wrong("%q must be true or false, without quotes.", l.name)
			return
		}
		*dst = l.value.True()
	}}
}

// untruth sets the opposite of the value: for a field whose zero value means the argument's
// default, true.
func untruth(dst *bool) value {
	var written bool
	v := truth(&written)
	return value{form: v.form, set: func(l *leaf) {
		written = !*dst
		v.set(l)
		*dst = !written
	}}
}

// number is a whole number from lo to hi.
func number(dst *int, lo, hi int) value {
	form := fmt.Sprintf("whole number from %d to %d", lo, hi)
	return value{form: form, set: func(l *leaf) {
		f, ok := l.number()
		n, accuracy := int64(0), big.Exact
		if ok {
			n, accuracy = f.Int64()
		}
		if !ok || !f.IsInt() || accuracy != big.Exact || n < int64(lo) || n > int64(hi) {
			l.wrong("%q must be a %s.", l.name, form)
			return
		}
		*dst = int(n)
	}}
}

// fraction is a number from 0 to 1.
func fraction(dst *float64) value {
	const form = "number from 0 to 1"
	return value{form: form, set: func(l *leaf) {
		f, ok := l.number()
		if ok {
			if n, _ := f.Float64(); n >= 0 && n <= 1 {
				*dst = n
				return
			}
		}
		l.wrong("%q must be a %s.", l.name, form)
	}}
}

// number is the value as a number; a string of digits is one.
func (l *leaf) number() (*big.Float, bool) {
	switch l.value.Type() {
	case cty.Number:
		return l.value.AsBigFloat(), true
	case cty.String:
		f, err := strconv.ParseFloat(l.value.AsString(), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, false
		}
		return big.NewFloat(f), true
	}
	return nil, false
}

// cpus is a number of CPUs: 0.5, "0.5" or "50%".
func cpus(dst *float64) value {
	return value{form: `number of CPUs, such as "0.5" or "50%"`, set: func(l *leaf) {
		divisor := 1.0
		if l.value.Type() == cty.String {
			if percent, ok := strings.CutSuffix(l.value.AsString(), "%"); ok {
				divisor, l.value = 100, cty.StringVal(percent)
			}
		}
		if f, ok := l.number(); ok {
			if n, _ := f.Float64(); n >= 0 && n/divisor <= 4096 {
				*dst = n / divisor
				return
			}
		}
		l.wrong("%q must be a number of CPUs from 0 to 4096, such as \"0.5\" or \"50%%\".", l.name)
	}}
}

func oneOf[T ~string](dst *T, words ...T) value {
	quoted := make([]string, len(words))
	names := make([]string, len(words))
	for i, w := range words {
		quoted[i], names[i] = strconv.Quote(string(w)), string(w)
	}
	form := "one of " + strings.Join(quoted, ", ")
	return parsed(form, dst, func(l *leaf, s string) (T, bool) {
		if !slices.Contains(words, T(s)) {
			l.wrong("%s", join(fmt.Sprintf("%q must be %s, not %s.", l.name, form, l.shown(s)), didYouMean(s, names)))
			return "", false
		}
		return T(s), true
	})
}

// duration is a time span that may be zero.
func duration(dst *time.Duration) value { return timeSpan(dst, 0, "duration") }

// positive is a time span that may not be zero.
func positive(dst *time.Duration) value { return timeSpan(dst, 1, "duration above zero") }

func timeSpan(dst *time.Duration, least time.Duration, form string) value {
	return value{form: form, set: func(l *leaf) {
		if l.value.Type() == cty.Number {
			unit := ""
			if source, ok := l.literal(); ok {
				unit = fmt.Sprintf(" For seconds write %s = %q.", l.name, source+"s")
			}
			l.wrong("%q must be a duration with its unit, in quotes.%s", l.name, unit)
			return
		}
		s, ok := l.text()
		if !ok {
			return
		}
		span, ok := parseDuration(s)
		if !ok || span < least {
			l.wrong("%q must be a %s such as \"500ms\", \"30s\", \"5m\", \"1h30m\" or \"7d\", not %s.", l.name, form, l.shown(s))
			return
		}
		*dst = span
	}}
}

var days = lazyregexp.New(`^(\d{1,5})d`)

// parseDuration is [time.ParseDuration] with days before the rest, and without a sign.
func parseDuration(s string) (time.Duration, bool) {
	if strings.ContainsAny(s, "+-") {
		return 0, false
	}
	var whole time.Duration
	if m := days.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		whole = time.Duration(n) * 24 * time.Hour
		if s = s[len(m[0]):]; s == "" {
			return whole, true
		}
	}
	rest, err := time.ParseDuration(s)
	return whole + rest, err == nil && whole+rest >= 0
}

// umask is a file mode mask in octal.
func umask(dst *string) value {
	return value{form: "octal string", set: func(l *leaf) {
		if l.value.Type() == cty.String && umaskPattern.MatchString(l.value.AsString()) {
			*dst = l.value.AsString()
			return
		}
		l.wrong("%q must be a file mode mask in octal, such as \"0027\".", l.name)
	}}
}

var umaskPattern = lazyregexp.New(`^0?[0-7]{3}$`)

// size is a number of bytes.
func size(dst *int64) value {
	return value{form: "size", set: func(l *leaf) {
		if f, ok := l.number(); ok {
			if n, accuracy := f.Int64(); f.IsInt() && accuracy == big.Exact && n >= 0 {
				*dst = n
				return
			}
		}
		if l.value.Type() == cty.String {
			if n, ok := parseSize(l.value.AsString()); ok {
				*dst = n
				return
			}
			l.wrong("%q must be a size such as \"512KiB\", \"64MiB\" or \"2GiB\", not %s.", l.name, l.shown(l.value.AsString()))
			return
		}
		l.wrong("%q must be a size such as \"512KiB\", \"64MiB\" or \"2GiB\".", l.name)
	}}
}

// sizeBetween is a size within bounds.
func sizeBetween(dst *int64, lo, hi int64) value {
	return value{form: "size", set: func(l *leaf) {
		n := int64(-1)
		size(&n).set(l)
		if n >= 0 && (n < lo || n > hi) {
			l.wrong("%q must be a size from %d to %d bytes.", l.name, lo, hi)
			return
		}
		*dst = n
	}}
}

var sizes = lazyregexp.New(`^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$`)

// parseSize reads "64MiB" (binary), "64MB" (decimal) and "64M" (binary, as in Apache and Docker),
// in any case.
func parseSize(s string) (int64, bool) {
	m := sizes.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, false
	}
	factor, ok := sizeUnit(strings.ToLower(m[2]))
	n, err := strconv.ParseFloat(m[1], 64)
	n *= factor
	return int64(n), ok && err == nil && n < 1<<62
}

func sizeUnit(unit string) (float64, bool) {
	if unit == "" || unit == "b" {
		return 1, true
	}
	power := strings.IndexByte("kmgt", unit[0]) + 1
	if power == 0 {
		return 0, false
	}
	switch unit[1:] {
	case "", "ib":
		return math.Pow(1024, float64(power)), true
	case "b":
		return math.Pow(1000, float64(power)), true
	}
	return 0, false
}
