package pysource

import (
	"fmt"
	"maps"
	"slices"
)

func doubtful(line int) string {
	return fmt.Sprintf("it depends on the condition in line %d, which is only known when the file is executed", line)
}

// assign follows an assignment.
func (e *evaluation) assign(node assignment) {
	v := e.value(node.value)
	for _, target := range node.targets {
		if node.operator != "" {
			old := e.value(target)
			if list, ok := old.(*List); ok && node.operator == "+" && !list.Tuple {
				e.extend(list, v)
				e.trackPath()
				if n, ok := target.(name); ok {
					e.record(n.text, list)
				}
				continue
			}
			v = e.operate(node.operator, old, v)
		}
		e.bind(target, v)
	}
}

// bind assigns a value to a target.
func (e *evaluation) bind(target expression, v Value) {
	switch target := target.(type) {
	case name:
		e.record(target.text, v)
	case starred:
		e.bind(target.of, e.unknown("it takes several values"))
	case sequence:
		e.unpack(target, v)
	case subscript:
		e.setItem(target, v)
	case attribute:
		e.setAttribute(target, v)
	default:
		e.note("it assigns to something that is not a name")
	}
}

// record binds a name.
func (e *evaluation) record(name string, v Value) {
	e.scope()[name] = v
	if e.locals != nil {
		return
	}
	env := slices.Sorted(maps.Keys(e.taint))
	e.taints[name] = env
	e.module.Bindings = append(e.module.Bindings,
		Binding{Name: name, Line: e.line, Value: v, Env: env, Sure: e.sure()})
}

func (e *evaluation) unpack(target sequence, v Value) {
	items, ok := iterate(v)
	if !ok || len(items) != len(target.items) {
		reason := "it is a part of something that is not known"
		if u, is := v.(Unknown); is {
			reason = u.Reason
		}
		for _, one := range target.items {
			e.bind(one, e.unknown(reason))
		}
		return
	}
	for i, one := range target.items {
		e.bind(one, items[i])
	}
}

func (e *evaluation) setItem(target subscript, v Value) {
	of := e.value(target.of)
	if of == reference("os.environ") {
		e.setVariable(e.value(target.index), v, false)
		return
	}
	switch of := of.(type) {
	case *Dict:
		if key := e.value(target.index); isPlain(key) && len(of.Keys) < maxItems {
			of.set(key, e.doubted(v))
			return
		}
	case *List:
		if e.setSlice(of, target.index, v) {
			e.trackPath()
			return
		}
	}
	e.note("it changes something that is not known")
}

// doubted returns a value in an unknown condition as Unknown.
func (e *evaluation) doubted(v Value) Value {
	if e.sure() {
		return v
	}
	line := e.doubt[len(e.doubt)-1]
	return Unknown{doubtful(line)}
}

// setSlice follows list[low:high] = v, or list[i] = v. It reports whether it could.
func (e *evaluation) setSlice(list *List, index expression, v Value) bool {
	if slice, ok := index.(sliceIndex); ok {
		items, known := iterate(v)
		low, high, ok := e.bounds(slice, len(list.Items))
		if !ok || !known || slice.step != nil || len(items)+len(list.Items) > maxItems {
			return false
		}
		list.Items = slices.Concat(list.Items[:low], e.doubtedItems(list, items), list.Items[max(low, high):])
		return true
	}
	i, ok := e.value(index).(int64)
	if i < 0 {
		i += int64(len(list.Items))
	}
	if !ok || i < 0 || i >= int64(len(list.Items)) {
		return false
	}
	list.Items[i] = e.doubtedItems(list, []Value{v})[0]
	return true
}

// doubtedItems returns items in the form in which they are put into a list. Those of sys.path are
// kept: each entry records whether it is sure.
func (e *evaluation) doubtedItems(list *List, items []Value) []Value {
	if list == e.path || e.sure() {
		return items
	}
	all := make([]Value, len(items))
	for i, item := range items {
		all[i] = e.doubted(item)
	}
	return all
}

func (e *evaluation) setAttribute(target attribute, v Value) {
	of := e.value(target.of)
	if of == reference("sys") && target.name == "path" {
		if list, ok := v.(*List); ok {
			e.path.Items = slices.Clone(list.Items)
			e.trackPath()
			return
		}
		e.note("it sets sys.path to something that is not known")
		return
	}
	e.note("it sets an attribute of something that is not made")
}

// setVariable follows the setting of an environment variable.
func (e *evaluation) setVariable(key, v Value, otherwise bool) {
	name, ok := key.(string)
	if !ok {
		e.note("it sets an environment variable whose name is not known")
		return
	}
	if e.locals != nil && e.calls > 0 && !e.sure() {
		v = e.doubted(v)
	}
	e.module.Environ = append(e.module.Environ, Variable{Name: name, Value: v, Line: e.line, Sure: e.sure()})
	if _, set := e.environ[name]; set && otherwise {
		return
	}
	e.environ[name] = e.doubted(v)
}

func (e *evaluation) remove(node deletion) {
	for _, target := range node.targets {
		switch target := target.(type) {
		case name:
			delete(e.scope(), target.text)
		case subscript:
			if key, ok := e.value(target.index).(string); ok && e.value(target.of) == reference("os.environ") {
				e.environ[key] = None{}
				continue
			}
			e.note("it removes a part of something")
		default:
			e.note("it removes a part of something")
		}
	}
}

// trackPath notes the line of new entries of sys.path.
func (e *evaluation) trackPath() {
	for _, item := range e.path.Items {
		dir, ok := text(item)
		if !ok {
			continue
		}
		if old, known := e.origins[dir]; !known || !old.Sure && e.sure() {
			e.origins[dir] = PathEntry{dir, e.line, e.sure()}
		}
	}
}

// collectPath writes the entries of sys.path into the module.
func (e *evaluation) collectPath() {
	for _, item := range e.path.Items {
		if dir, ok := text(item); ok {
			e.module.Path = append(e.module.Path, e.origins[dir])
		}
	}
}
