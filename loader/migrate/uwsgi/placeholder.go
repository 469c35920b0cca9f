package uwsgi

import (
	"path"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// magic returns the value of uWSGI's placeholder of one letter. Missing ones depend on the place
// and time of the run.
func (r *reading) magic(letter byte, file string) (value string, known bool) {
	base := path.Base(file)
	extension := strings.TrimPrefix(path.Ext(base), ".")
	dir := path.Dir(file)
	switch letter {
	case '%':
		return "%", true
	case 'd', 'D':
		return strings.TrimSuffix(dir, "/") + "/", true
	case 'p', 'P', 'o', 'O':
		return file, true
	case 's', 'S':
		return base, true
	case 'n', 'N':
		return strings.TrimSuffix(base, path.Ext(base)), true
	case 'e', 'E':
		return extension, true
	case 'c', 'C':
		return path.Base(dir), true
	case 'x', 'X':
		return r.section, true
	case 'v':
		return r.vassals, r.vassals != ""
	case 'k':
		return cpusMark, true
	}
	if letter >= '0' && letter <= '9' {
		parts := strings.Split(strings.Trim(dir, "/"), "/")
		if n := int(letter - '0'); n < len(parts) {
			return parts[n], true
		}
		return "", true
	}
	return "", false
}

// cpusMark represents the number of CPUs in a value. No configuration contains it.
const cpusMark = "\uE002"

var (
	arithmetic = lazyregexp.New(`^\s*(\S+)\s*([-+*/])\s*(\S+)\s*$`)
	fromEnv    = lazyregexp.New(`\$\(([A-Za-z_][A-Za-z0-9_]*)\)`)
	fromFile   = lazyregexp.New(`@\(([^()]*)\)`)
	plainSum   = lazyregexp.New(`^` + cpusMark + `(?: ([-+*/]) (\d+))?$`)
)

// maxValue is the longest value, and maxPlaceholders the largest number of its placeholders,
// including those in their values.
const (
	maxValue        = 1 << 14
	maxPlaceholders = 1000
)

// expand resolves the placeholders of a value. The reason names those that cannot be resolved, or
// is "".
func (r *reading) expand(l line) (value, reason string) {
	r.placeholders = 0
	value = r.fileParts(l.value, &reason)
	value = r.percent(value, l.place.File, 0, &reason)
	value = fromEnv.ReplaceAllStringFunc(value, func(part string) string {
		name := fromEnv.FindStringSubmatch(part)[1]
		if set, ok := r.env[name]; ok {
			return set
		}
		return r.plan.Variable(name, part, l.place)
	})
	if len(value) > maxValue {
		return "", "it becomes too long"
	}
	return value, reason
}

// fileParts replaces @(path) by the text of the file. Other schemes than paths are not followed:
// some of them run programs.
func (r *reading) fileParts(value string, reason *string) string {
	return fromFile.ReplaceAllStringFunc(value, func(part string) string {
		name := fromFile.FindStringSubmatch(part)[1]
		if strings.Contains(name, "://") || !path.IsAbs(name) {
			*reason = "what " + part + " gives is not read: write it out"
			return part
		}
		s, err := r.plan.Files.Read(name)
		if err != nil {
			*reason = "it is in " + name + ", which cannot be read: " + err.Error()
			return part
		}
		return strings.TrimSpace(s.Text)
	})
}

// percent replaces placeholders that begin with %.
func (r *reading) percent(value, file string, depth int, reason *string) string {
	if r.placeholders++; depth > 20 || r.placeholders > maxPlaceholders {
		*reason = "its placeholders name each other in a circle"
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(value) && b.Len() <= maxValue; i++ {
		if value[i] != '%' || i+1 == len(value) {
			b.WriteByte(value[i])
			continue
		}
		i++
		if value[i] != '(' {
			known := false
			var text string
			if text, known = r.magic(value[i], file); !known {
				text = value[i-1 : i+1]
				if strings.IndexByte("vVhHtTiIuUgGjJ[wW", value[i]) >= 0 {
					*reason = "what " + text + " gives depends on where uWSGI runs: write it out"
				}
			}
			b.WriteString(text)
			continue
		}
		end := closing(value[i:])
		if end < 0 {
			*reason = "a placeholder has no closing bracket"
			b.WriteString(value[i-1:])
			break
		}
		b.WriteString(r.named(value[i+1:i+end], file, depth, reason))
		i += end
	}
	return b.String()
}

// closing returns the index of the bracket that closes the first one, or -1.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// named resolves %(name), where name may be a calculation.
func (r *reading) named(name, file string, depth int, reason *string) string {
	if m := arithmetic.FindStringSubmatch(r.percent(name, file, depth+1, reason)); m != nil {
		left, right := r.operand(m[1], file, depth), r.operand(m[3], file, depth)
		if result, ok := calculate(left, m[2], right); ok {
			return result
		}
		*reason = "it calculates with what is not a number"
		return ""
	}
	if value, ok := r.lookUp(name); ok {
		return r.percent(value, file, depth+1, reason)
	}
	if name == "_" {
		return r.item
	}
	*reason = "%(" + name + ") is not set"
	return "%(" + name + ")"
}

// operand is a side of a calculation: a number, or the name of an option.
func (r *reading) operand(text, file string, depth int) string {
	if value, ok := r.lookUp(text); ok {
		var reason string
		return r.percent(value, file, depth+1, &reason)
	}
	return text
}

func calculate(left, operator, right string) (string, bool) {
	if left == cpusMark || right == cpusMark {
		return strings.Join([]string{left, operator, right}, " "), left == cpusMark
	}
	a, errA := strconv.Atoi(left)
	b, errB := strconv.Atoi(right)
	if errA != nil || errB != nil || operator == "/" && b == 0 {
		return "", false
	}
	switch operator {
	case "+":
		a += b
	case "-":
		a -= b
	case "*":
		a *= b
	default:
		a /= b
	}
	return strconv.Itoa(a), true
}

// lookUp returns the value of an option or variable that %(name) means: the last one above, else
// the first one below.
func (r *reading) lookUp(name string) (string, bool) {
	if value, ok := r.values[name]; ok {
		r.used[name] = true
		return value, true
	}
	for _, l := range r.lines {
		if l.name == name {
			r.used[name] = true
			return l.value, true
		}
	}
	return "", false
}
