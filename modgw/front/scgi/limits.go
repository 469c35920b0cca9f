package scgi

import "fmt"

// Limits bound the variables of one request. Zero values mean the defaults, which are in the
// comments.
type Limits struct {
	Name  int // bytes of one name; 256
	Value int // bytes of one value; 64 KiB
	Total int // bytes of all variables as they come; 1 MiB, and uwsgi sends at most 64 KiB
	Count int // variables; 4096
}

// WithDefaults is l with every zero filled in.
func (l Limits) WithDefaults() Limits {
	fill := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	fill(&l.Name, 256)
	fill(&l.Value, 64<<10)
	fill(&l.Total, 1<<20)
	fill(&l.Count, 4096)
	return l
}

// Append is append(list, v) within the limits.
func (l Limits) Append(list []variable, v variable) ([]variable, error) {
	switch {
	case len(v.Name) > l.Name:
		return nil, fmt.Errorf("%w: a name of %d bytes, at most %d are read", errLimit, len(v.Name), l.Name)
	case len(v.Value) > l.Value:
		return nil, fmt.Errorf("%w: a value of %d bytes, at most %d are read", errLimit, len(v.Value), l.Value)
	case len(list) >= l.Count:
		return nil, fmt.Errorf("%w: more than %d variables", errLimit, l.Count)
	}
	return append(list, v), nil
}
