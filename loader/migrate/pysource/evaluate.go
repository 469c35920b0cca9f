package pysource

import (
	"maps"
	"slices"
	"strings"
)

// Limits of a file: statements and operations, nested calls of functions, items of a list and bytes
// of a string.
const (
	maxSteps  = 100_000
	maxCalls  = 20
	maxItems  = 10_000
	maxString = 1 << 16
)

// evaluation follows the statements of a file.
type evaluation struct {
	module  *Module
	options Options
	dir     string // working directory; empty when not known

	names  map[string]Value
	locals map[string]Value // names of the function that is followed; nil in the module itself
	taints map[string][]string
	taint  map[string]bool // environment variables that the statement depends on

	path    *List
	origins map[string]PathEntry // entries that were added to sys.path, by folder
	environ map[string]Value

	line  int
	steps int
	calls int
	doubt []int // lines of the conditions around the statement that are not known
}

func newEvaluation(m *Module, options Options) *evaluation {
	e := &evaluation{
		module: m, options: options, dir: options.Dir,
		names: map[string]Value{}, taints: map[string][]string{}, taint: map[string]bool{},
		path:    &List{Items: []Value{scriptFolder, ownPath}},
		origins: map[string]PathEntry{}, environ: map[string]Value{},
	}
	for key, value := range options.Environ {
		e.environ[key] = value
	}
	return e
}

// The entries of sys.path that are there before: the script's folder, and the modules of Python.
const (
	scriptFolder marker = "script"
	ownPath      marker = "python"
)

// flow is the way in which statements end.
type flow int

const (
	flowOn flow = iota
	flowBreak
	flowContinue
	flowReturn
	flowEnd // the program ends
)

func (e *evaluation) sure() bool { return len(e.doubt) == 0 }

func (e *evaluation) unknown(reason string) Unknown { return Unknown{reason} }

// note records that a statement is not followed.
func (e *evaluation) note(reason string) {
	e.module.Unread = append(e.module.Unread, Note{e.line, reason})
}

// run follows statements to their end. value is the value of a return statement.
func (e *evaluation) run(body []statement) (value Value, end flow) {
	outer := e.line
	defer func() { e.line = outer }()
	for _, s := range body {
		e.line = s.line
		if e.steps++; e.steps > maxSteps {
			if e.steps == maxSteps+1 {
				e.note("the file computes for too long; what follows is not read")
			}
			return e.unknown("the file computes for too long"), flowEnd
		}
		before := e.taint
		e.taint = maps.Clone(before)
		value, end = e.execute(s)
		e.taint = before
		if end != flowOn {
			return value, end
		}
	}
	return None{}, flowOn
}

func (e *evaluation) execute(s statement) (Value, flow) {
	switch node := s.node.(type) {
	case unfollowed:
		e.note(node.reason)
	case assignment:
		e.assign(node)
	case expressionStatement:
		return None{}, e.perform(node.value)
	case execStatement:
		e.executeCode(e.value(node.of))
	case importStatement:
		e.importNames(node)
	case ifStatement:
		return e.branch(node)
	case forStatement:
		return e.loop(node)
	case whileStatement:
		return e.repeat(node)
	case tryStatement:
		return e.attempt(node)
	case withStatement:
		return e.with(node)
	case definition:
		e.define(node.function.name, node.function)
	case classDefinition:
		e.define(node.name, object{"the class " + node.name})
	case returnStatement:
		if node.value == nil {
			return None{}, flowReturn
		}
		return e.value(node.value), flowReturn
	case deletion:
		e.remove(node)
	case raising:
		return e.unknown("it raises an exception"), flowEnd
	case jump:
		if node.keyword == "break" {
			return None{}, flowBreak
		}
		return None{}, flowContinue
	}
	return None{}, flowOn
}

// perform follows an expression for its effect.
func (e *evaluation) perform(of expression) flow {
	if l, ok := of.(literal); ok && l.value != nil {
		return flowOn // a docstring
	}
	switch v := e.value(of).(type) {
	case exit:
		return flowEnd
	case Unknown:
		e.note(v.Reason)
	case object:
		e.note("it calls " + v.made + ", which is not executed")
	}
	return flowOn
}

// exit is the result of sys.exit().
type exit struct{}

// define binds a function or class.
func (e *evaluation) define(name string, v Value) {
	e.scope()[name] = v
	delete(e.taints, name)
	if e.locals == nil {
		e.module.Functions = append(e.module.Functions, Function{name, e.line})
	}
}

func (e *evaluation) scope() map[string]Value {
	if e.locals != nil {
		return e.locals
	}
	return e.names
}

func (e *evaluation) importNames(node importStatement) {
	for _, one := range node.names {
		module, full, bound := node.module, node.module+"."+one.name, one.as
		if node.module == "" {
			module, full = one.name, one.name
			if bound == "" {
				bound, _, _ = strings.Cut(one.name, ".")
				full = bound
			}
		} else if bound == "" {
			bound = one.name
		}
		if e.locals == nil {
			e.module.Imports = append(e.module.Imports, Import{module, e.line})
		}
		if node.module != "__future__" && one.name != "*" {
			e.scope()[bound] = reference(full)
			delete(e.taints, bound)
		}
	}
}

// attempt follows a try statement as if nothing failed.
func (e *evaluation) attempt(node tryStatement) (Value, flow) {
	if value, end := e.run(node.body); end != flowOn {
		return value, end
	}
	for _, handler := range node.handlers {
		for _, s := range handler {
			switch s.node.(type) {
			case assignment, expressionStatement, execStatement, ifStatement, forStatement:
				e.module.Unread = append(e.module.Unread, Note{s.line, "it is executed only when the lines above it fail"})
			}
		}
	}
	if value, end := e.run(node.otherwise); end != flowOn {
		return value, end
	}
	return e.run(node.finally)
}

func (e *evaluation) with(node withStatement) (Value, flow) {
	for _, item := range node.items {
		v := e.value(item.of)
		if item.as != nil {
			e.bind(item.as, v)
		}
	}
	return e.run(node.body)
}

// follow calls a function of the file.
func (e *evaluation) follow(f *function, args []Value, keywords map[string]Value) Value {
	switch {
	case f.opaque != "":
		return e.unknown(f.opaque)
	case e.calls >= maxCalls:
		return e.unknown("functions call each other too deep")
	}
	locals, reason := f.bindArguments(e, args, keywords)
	if reason != "" {
		return e.unknown(reason)
	}
	outer := e.locals
	e.calls++
	e.locals = locals
	defer func() { e.calls--; e.locals = outer }()
	if f.returns != nil {
		return e.value(f.returns)
	}
	value, end := e.run(f.body)
	switch end {
	case flowOn:
		return None{}
	case flowReturn:
		return value
	}
	return e.unknown("the function " + f.name + " ends the program, or fails")
}

// bindArguments returns the local names that a call begins with.
func (f *function) bindArguments(e *evaluation, args []Value, keywords map[string]Value) (map[string]Value, string) {
	locals := map[string]Value{}
	for _, p := range f.params {
		switch {
		case p.stars == 1:
			locals[p.name] = &List{Items: args, Tuple: true}
			args = nil
		case p.stars == 2:
			d := &Dict{}
			for _, key := range slices.Sorted(maps.Keys(keywords)) {
				d.set(key, keywords[key])
			}
			locals[p.name] = d
		case len(args) > 0:
			locals[p.name], args = args[0], args[1:]
		case keywords[p.name] != nil:
			locals[p.name] = keywords[p.name]
		case p.otherwise != nil:
			locals[p.name] = e.value(p.otherwise)
		default:
			return nil, "a call of " + f.name + " lacks an argument"
		}
	}
	if len(args) > 0 {
		return nil, "a call of " + f.name + " has too many arguments"
	}
	return locals, ""
}
