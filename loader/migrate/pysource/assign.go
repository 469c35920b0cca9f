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
func (e *evaluation) assign(s statement, node assignment) {
	variable := e.variableOf(node.value)
	v := e.value(node.value)
	for _, target := range node.targets {
		if node.operator != "" {
			variable = ""
			old := e.value(target)
			if list, ok := old.(*List); ok && node.operator == "+" && !list.Tuple {
				e.extend(list, v)
				e.trackPath()
				if n, ok := target.(name); ok {
					e.record(s, n.text, list, "")
				}
				continue
			}
			v = e.operate(node.operator, old, v)
		}
		e.bind(s, target, v, variable)
	}
}

// variableOf returns the environment variable that an expression takes its value from as it is, or
// by int().
func (e *evaluation) variableOf(of expression) string {
	switch of := of.(type) {
	case name:
		if b := e.module.Binding(of.text); b != nil && e.locals == nil {
			return b.Variable
		}
	case call:
		if n, ok := of.function.(name); ok && n.text == "int" && len(of.args) == 1 {
			return e.variableOf(of.args[0].value)
		}
		f := e.value(of.function)
		get, isMethod := f.(method)
		if f != reference("os.getenv") && !(isMethod && get.name == "get" && get.of == reference("os.environ")) || len(of.args) == 0 {
			return ""
		}
		if key, ok := e.value(of.args[0].value).(string); ok {
			return key
		}
	case subscript:
		if e.value(of.of) == reference("os.environ") {
			if key, ok := e.value(of.index).(string); ok {
				return key
			}
		}
	}
	return ""
}

// bind assigns a value to a target.
func (e *evaluation) bind(s statement, target expression, v Value, variable string) {
	switch target := target.(type) {
	case name:
		e.record(s, target.text, v, variable)
	case starred:
		e.bind(s, target.of, e.unknown("it takes several values"), "")
	case sequence:
		e.unpack(s, target, v)
	case subscript:
		e.setItem(s, target, v)
	case attribute:
		e.setAttribute(s, target, v)
	default:
		e.note(s, "it assigns to something that is not a name")
	}
}

// record binds a name.
func (e *evaluation) record(s statement, name string, v Value, variable string) {
	e.scope()[name] = v
	if e.locals != nil {
		return
	}
	env := slices.Sorted(maps.Keys(e.taint))
	e.taints[name] = env
	e.module.Bindings = append(e.module.Bindings,
		Binding{Name: name, Line: s.line, Value: v, Env: env, Variable: variable, Sure: e.sure()})
}

func (e *evaluation) unpack(s statement, target sequence, v Value) {
	items, ok := iterate(v)
	if !ok || len(items) != len(target.items) {
		reason := "it is a part of something that is not known"
		if u, is := v.(Unknown); is {
			reason = u.Reason
		}
		for _, one := range target.items {
			e.bind(s, one, e.unknown(reason), "")
		}
		return
	}
	for i, one := range target.items {
		e.bind(s, one, items[i], "")
	}
}

func (e *evaluation) setItem(s statement, target subscript, v Value) {
	of := e.value(target.of)
	if of == reference("os.environ") {
		e.setVariable(s, e.value(target.index), v, false)
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
	e.note(s, "it changes something that is not known")
}

// doubted returns a value that stands in a condition that is not known as Unknown.
func (e *evaluation) doubted(v Value) Value {
	if e.sure() {
		return v
	}
	line := e.doubt[len(e.doubt)-1]
	return Unknown{line, doubtful(line)}
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

// doubtedItems returns items as they are put into a list. Those of sys.path are kept: each entry
// has its own note of whether it is sure.
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

func (e *evaluation) setAttribute(s statement, target attribute, v Value) {
	of := e.value(target.of)
	if of == reference("sys") && target.name == "path" {
		if list, ok := v.(*List); ok {
			e.path.Items = slices.Clone(list.Items)
			e.trackPath()
			return
		}
		e.note(s, "it sets sys.path to something that is not known")
		return
	}
	e.note(s, "it sets an attribute of something that is not made")
}

// setVariable follows the setting of an environment variable.
func (e *evaluation) setVariable(s statement, key, v Value, otherwise bool) {
	name, ok := key.(string)
	if !ok {
		e.note(s, "it sets an environment variable whose name is not known")
		return
	}
	if e.locals != nil && e.calls > 0 && !e.sure() {
		v = e.doubted(v)
	}
	e.module.Environ = append(e.module.Environ, Variable{Name: name, Value: v, Line: s.line, Default: otherwise, Sure: e.sure()})
	if _, set := e.environ[name]; set && otherwise {
		return
	}
	e.environ[name] = e.doubted(v)
}

func (e *evaluation) remove(s statement, node deletion) {
	for _, target := range node.targets {
		switch target := target.(type) {
		case name:
			delete(e.scope(), target.text)
		case subscript:
			if key, ok := e.value(target.index).(string); ok && e.value(target.of) == reference("os.environ") {
				e.environ[key] = None{}
				continue
			}
			e.note(s, "it removes a part of something")
		default:
			e.note(s, "it removes a part of something")
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
			e.origins[dir] = PathEntry{Dir: dir, Line: e.line, Site: old.Site, Sure: e.sure()}
		}
	}
}

// collectPath writes the entries of sys.path into the module.
func (e *evaluation) collectPath() {
	front := slices.Contains(e.path.Items, Value(ownPath))
	for _, item := range e.path.Items {
		if item == Value(ownPath) {
			front = false
		}
		dir, ok := text(item)
		if _, isMarker := item.(marker); isMarker || !ok {
			continue
		}
		entry := e.origins[dir]
		entry.Front = front
		e.module.Path = append(e.module.Path, entry)
	}
}

func (e *evaluation) collectReads() {
	for _, read := range e.reads {
		e.module.Reads = append(e.module.Reads, read)
	}
	slices.SortFunc(e.module.Reads, func(a, b EnvRead) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}
