package pysource

import (
	"slices"
)

// bounds returns where a slice of something of a length begins and ends.
func (e *evaluation) bounds(s sliceIndex, length int) (low, high int, ok bool) {
	place := func(of expression, otherwise int) (int, bool) {
		if of == nil {
			return otherwise, true
		}
		v := e.value(of)
		if _, none := v.(None); none {
			return otherwise, true
		}
		i, ok := v.(int64)
		if i < 0 {
			i += int64(length)
		}
		return int(min(max(i, 0), int64(length))), ok
	}
	low, ok = place(s.low, 0)
	high, ok2 := place(s.high, length)
	return low, high, ok && ok2
}

func (e *evaluation) subscript(of Value, index expression) Value {
	if of == reference("os.environ") {
		key, ok := e.value(index).(string)
		if !ok {
			return e.unknown("it asks for an environment variable whose name is not known")
		}
		return e.readVariable(key, nil)
	}
	if slice, ok := index.(sliceIndex); ok {
		return e.slice(of, slice)
	}
	i := e.value(index)
	switch of := of.(type) {
	case *Dict:
		for j, key := range of.Keys {
			if same, known := equal(key, i); same && known {
				return of.Values[j]
			}
		}
		return e.unknown("it asks for a key that is not there")
	case *List:
		if at, ok := place(i, len(of.Items)); ok {
			return of.Items[at]
		}
	case string:
		if at, ok := place(i, len(of)); ok {
			return of[at : at+1]
		}
	case parents:
		if n, ok := i.(int64); ok && n >= 0 && n < maxDepth {
			return of.of(int(n) + 1)
		}
	case Unknown:
		return of
	}
	return e.unknown("it asks for a part of something that is not known")
}

// place returns the index of an item, counted from the end when it is negative.
func place(v Value, length int) (int, bool) {
	i, ok := v.(int64)
	if i < 0 {
		i += int64(length)
	}
	return int(i), ok && i >= 0 && i < int64(length)
}

func (e *evaluation) slice(of Value, s sliceIndex) Value {
	if s.step == nil {
		switch of := of.(type) {
		case *List:
			if low, high, ok := e.bounds(s, len(of.Items)); ok {
				return &List{Items: slices.Clone(of.Items[low:max(low, high)]), Tuple: of.Tuple}
			}
		case string:
			if low, high, ok := e.bounds(s, len(of)); ok {
				return of[low:max(low, high)]
			}
		}
	}
	return e.unknown("it asks for a part of something that is not known")
}
