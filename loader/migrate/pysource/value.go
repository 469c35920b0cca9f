package pysource

import (
	"fmt"
	"strconv"
	"strings"
)

// Value is the value of an expression: None, bool, int64, float64, string, Path, *List, *Dict,
// *Computed, Unknown, or an unexported type that has no value to others, such as a module. A list
// can contain itself: only one without a [Reason] may be walked.
type Value any

// None is Python's None.
type None struct{}

// Path is a pathlib.Path.
type Path string

// List is a list, or a tuple, whose items are Values.
type List struct {
	Items []Value // in order
	Tuple bool    // whether it is a tuple
}

// Dict is a dictionary in the order of its keys.
type Dict struct {
	Keys   []Value // None, bool, int64, float64, string or Path
	Values []Value // value of each key
}

// Computed is a value that is known when the host runs: an operation on Values, one of which is
// itself Computed. Op is "cpus" (the number of CPUs, without arguments), "file" (the text of the
// file that its argument names), "int", "float", "min", "max", or one of + - * / // %.
type Computed struct {
	Op   string  // operation
	Args []Value // operands
}

// Unknown is a value that is not known without executing the file.
type Unknown struct {
	Reason string // clause that begins with "it" or "the name"
}

func tuple(items ...Value) *List { return &List{Items: items, Tuple: true} }

// Get returns the value of a key that is a string, or nil.
func (d *Dict) Get(key string) Value {
	for i, k := range d.Keys {
		if k == key {
			return d.Values[i]
		}
	}
	return nil
}

func (d *Dict) set(key, value Value) {
	for i, k := range d.Keys {
		if same, known := equal(k, key); same && known {
			d.Values[i] = value
			return
		}
	}
	d.Keys, d.Values = append(d.Keys, key), append(d.Values, value)
}

// Reason returns why a value, or a part of it, is unknown, or "" if all of it is known.
func Reason(v Value) string {
	budget := maxItems
	if u, ok := findUnknown(v, &budget); ok {
		return u.Reason
	}
	return ""
}

// findUnknown returns the unknown part of a value. budget is the number of values it may look at:
// lists can contain themselves.
func findUnknown(v Value, budget *int) (Unknown, bool) {
	if *budget--; *budget < 0 {
		return Unknown{"it is too large, or contains itself"}, true
	}
	var all []Value
	switch v := v.(type) {
	case None, bool, int64, float64, string, Path:
		return Unknown{}, false
	case Unknown:
		return v, true
	case *List:
		all = v.Items
	case *Dict:
		all = append(append(all, v.Keys...), v.Values...)
	case *Computed:
		all = v.Args
	case marker:
		return Unknown{"it has the entries of sys.path that Python begins with"}, true
	case *function:
		return Unknown{"it is a function"}, true
	case reference:
		return Unknown{"it is " + string(v) + ", which is not executed"}, true
	default:
		return Unknown{"it is an object, which is not made"}, true
	}
	for _, item := range all {
		if u, ok := findUnknown(item, budget); ok {
			return u, true
		}
	}
	return Unknown{}, false
}

// Values that only the evaluation knows.
type (
	// reference is something of a module: "os.path.join".
	reference string

	// marker represents entries of sys.path that Python itself puts there.
	marker string

	// method is a method of a value.
	method struct {
		of   Value
		name string
	}

	// openFile is the result of open(), code a file's text that was compiled.
	openFile struct{ path string }
	code     struct{ path string }

	// object is the result of a call of something unknown.
	object struct{ made string }
)

// truth returns whether a value is true, and whether that is known.
func truth(v Value) (is, known bool) {
	switch v := v.(type) {
	case None:
		return false, true
	case bool:
		return v, true
	case int64:
		return v != 0, true
	case float64:
		return v != 0, true
	case string:
		return v != "", true
	case Path, *function, openFile, method:
		return true, true
	case *List:
		return len(v.Items) > 0, true
	case *Dict:
		return len(v.Keys) > 0, true
	case *Computed:
		return true, v.Op == "cpus"
	}
	return false, false
}

// equal returns whether two values are equal, and whether that is known.
func equal(a, b Value) (same, known bool) {
	budget := maxItems
	return equalWithin(a, b, &budget)
}

func equalWithin(a, b Value, budget *int) (same, known bool) {
	if *budget--; *budget < 0 {
		return false, false
	}
	switch a := a.(type) {
	case *List:
		b, ok := b.(*List)
		if !ok || a.Tuple != b.Tuple || len(a.Items) != len(b.Items) {
			return false, ok || isPlain(b)
		}
		for i := range a.Items {
			if same, known := equalWithin(a.Items[i], b.Items[i], budget); !same || !known {
				return false, known
			}
		}
		return true, true
	case marker:
		return a == b, true
	}
	if _, ok := b.(marker); ok {
		return false, true
	}
	if x, ok := number(a); ok {
		if y, ok := number(b); ok {
			return x == y, true
		}
	}
	if !isPlain(a) || !isPlain(b) {
		return false, false
	}
	return a == b, true
}

// isPlain reports whether a value can be compared by ==.
func isPlain(v Value) bool {
	switch v.(type) {
	case None, bool, int64, float64, string, Path:
		return true
	}
	return false
}

// number returns a number or a boolean as a number.
func number(v Value) (float64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// text returns the result of str() for a value.
func text(v Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Path:
		return string(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return s, true
	case bool:
		if v {
			return "True", true
		}
		return "False", true
	case None:
		return "None", true
	}
	return "", false
}

// represent returns the result of repr() for a value.
func represent(v Value) (string, bool) {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("'%s'", strings.ReplaceAll(s, "'", `\'`)), true
	}
	return text(v)
}
