package pysource

import (
	"strings"
)

func (e *evaluation) compareChain(of comparison) Value {
	left := e.value(of.first)
	for i, operator := range of.operators {
		right := e.value(of.others[i])
		is, known := e.compare(operator, left, right)
		if !known {
			return e.unknown("it compares something that is not known")
		}
		if !is {
			return false
		}
		left = right
	}
	return true
}

func (e *evaluation) compare(operator string, a, b Value) (is, known bool) {
	switch operator {
	case "==", "is":
		return equal(a, b)
	case "!=", "is not":
		is, known = equal(a, b)
		return !is, known
	case "in":
		return e.contains(b, a)
	case "not in":
		is, known = e.contains(b, a)
		return !is, known
	}
	order, known := compareOrder(a, b)
	switch operator {
	case "<":
		return order < 0, known
	case "<=":
		return order <= 0, known
	case ">":
		return order > 0, known
	default:
		return order >= 0, known
	}
}

// compareOrder orders two numbers, strings or lists.
func compareOrder(a, b Value) (order int, known bool) {
	budget := maxItems
	return compareWithin(a, b, &budget)
}

func compareWithin(a, b Value, budget *int) (order int, known bool) {
	if *budget--; *budget < 0 {
		return 0, false
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		switch {
		case !ok:
			return 0, false
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return strings.Compare(a, b), ok
	case *List:
		b, ok := b.(*List)
		if !ok {
			return 0, false
		}
		for i := range min(len(a.Items), len(b.Items)) {
			if order, known := compareWithin(a.Items[i], b.Items[i], budget); order != 0 || !known {
				return order, known
			}
		}
		return len(a.Items) - len(b.Items), true
	}
	return 0, false
}

// contains reports whether something has an item, a key or a part.
func (e *evaluation) contains(whole, item Value) (is, known bool) {
	if whole == reference("os.environ") {
		key, ok := item.(string)
		if !ok {
			return false, false
		}
		_, none := e.readVariable(key, None{}).(None)
		return !none, true
	}
	switch whole := whole.(type) {
	case string:
		part, ok := item.(string)
		return ok && strings.Contains(whole, part), ok
	case *List, *Dict:
		items, _ := iterate(whole)
		known = true
		for _, one := range items {
			same, sure := equal(one, item)
			if same && sure {
				return true, true
			}
			known = known && sure
		}
		return false, known
	}
	return false, false
}
