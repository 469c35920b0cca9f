package loader

import (
	"fmt"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/modgw/modgw/modgw"
)

// workerCount is a number of workers, or an object with the least and the most of them. most is 0
// for a plain number.
func workerCount(least, most *int) value {
	form := fmt.Sprintf("whole number from 0 to %d, or { min, max }", modgw.MostWorkers)
	return value{form: form, set: func(l *leaf) {
		if !l.value.Type().IsObjectType() && !l.value.Type().IsMapType() {
			if n := 0; l.isWhole(l.value, 0, modgw.MostWorkers, &n) {
				*least, *most = n, 0
			} else {
				l.wrong("%q must be a %s.", l.name, form)
			}
			return
		}
		if from, to, ok := l.workerRange(); ok {
			*least, *most = from, to
		}
	}}
}

// workerRange is the value as the least and the most of workers.
func (l *leaf) workerRange() (least, most int, ok bool) {
	parts := map[string]*int{"min": &least, "max": &most}
	given := l.value.AsValueMap()
	ok = true
	for name, v := range given {
		part := parts[name]
		switch {
		case part == nil:
			l.failAt(codeUnknown, l.keyRange(name), join(fmt.Sprintf("%q has no %q: write { min = 1, max = 8 }.", l.name, name),
				didYouMean(name, slices.Collect(maps.Keys(parts)))))
			ok = false
		case !l.isWhole(v, 1, modgw.MostWorkers, part):
			hint := ""
			if name == "min" {
				hint = "An app without requests can do without workers: idle { stop_after }."
			}
			l.failAt(codeValue, l.keyRange(name), join(
				fmt.Sprintf("%q of %q must be a whole number from 1 to %d.", name, l.name, modgw.MostWorkers), hint))
			ok = false
		}
	}
	if _, has := given["max"]; !has && ok {
		l.wrong("%q must say how many there are at most: { min = 1, max = 8 }.", l.name)
		return 0, 0, false
	}
	least = max(1, least)
	if ok && least > most {
		l.wrong("\"min\" of %q must not be above \"max\".", l.name)
		return 0, 0, false
	}
	return least, most, ok
}

// isWhole reports whether v is a whole number between two others, and sets dst to it.
func (l *leaf) isWhole(v cty.Value, lo, hi int, dst *int) bool {
	if v.IsNull() || !v.IsKnown() {
		return false
	}
	part := *l
	part.value = v
	f, ok := part.number()
	if !ok || !f.IsInt() {
		return false
	}
	n, _ := f.Int64()
	if n < int64(lo) || n > int64(hi) {
		return false
	}
	*dst = int(n)
	return true
}
