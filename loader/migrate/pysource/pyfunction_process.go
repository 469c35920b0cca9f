package pysource

// The functions of Python for the process and its environment, as far as calls of them are
// followed.

func getVariable(e *evaluation, args []Value, keywords map[string]Value) Value {
	return e.environMethod("get", args, keywords)
}

func putVariable(e *evaluation, args []Value, _ map[string]Value) Value {
	if len(args) == 2 {
		e.setVariable(args[0], args[1], false)
		return None{}
	}
	return nil
}

func workingDirectory(e *evaluation, _ []Value, _ map[string]Value) Value {
	if e.dir == "" {
		return e.unknown("it depends on the working directory, which is not known")
	}
	return e.dir
}

func changeDirectory(e *evaluation, p string) Value {
	to, ok := e.absolute(p).(string)
	if !ok {
		return nil
	}
	e.dir = to
	e.module.Changed = append(e.module.Changed, Location{to, e.line})
	return None{}
}

func cpus(*evaluation, []Value, map[string]Value) Value { return &Computed{Op: "cpus"} }

// affinity returns a set of CPUs, which is only good for its length.
func affinity(*evaluation, []Value, map[string]Value) Value { return cpuSet{} }

type cpuSet struct{}

func addSiteFolder(e *evaluation, p string) Value {
	if has, _ := e.contains(e.path, p); !has {
		e.path.Items = append(e.path.Items, p)
	}
	e.trackPath()
	return None{}
}

func exitProgram(*evaluation, []Value, map[string]Value) Value { return exit{} }

func printNothing(*evaluation, []Value, map[string]Value) Value { return None{} }

// The functions of Python that open, compile and execute, as far as calls of them are followed.

func openPath(_ *evaluation, p string) Value { return openFile{p} }

func compileCode(e *evaluation, args []Value, _ map[string]Value) Value {
	switch v := first(args).(type) {
	case *Computed:
		if s, ok := first(v.Args).(string); ok && v.Op == "file" {
			return code{s}
		}
	case Unknown:
		return v
	}
	return e.unknown("it compiles Python code")
}

func executeArgument(e *evaluation, args []Value, _ map[string]Value) Value {
	return e.activate(first(args))
}

func executeFile(e *evaluation, p string) Value { return e.activate(code{p}) }

// activate follows the execution of another file.
func (e *evaluation) activate(v Value) Value {
	p := ""
	switch v := v.(type) {
	case code:
		p = v.path
	case openFile:
		p = v.path
	case *Computed:
		if s, ok := first(v.Args).(string); ok && v.Op == "file" {
			p = s
		}
	case Unknown:
		return v
	}
	if p == "" {
		return e.unknown("it executes code that is not known")
	}
	e.module.Activated = append(e.module.Activated, Location{p, e.line})
	return None{}
}

// executeCode follows the exec statement of Python 2.
func (e *evaluation) executeCode(v Value) {
	if list, ok := v.(*List); ok && list.Tuple { // exec(code, globals)
		v = first(list.Items)
	}
	if u, ok := e.activate(v).(Unknown); ok {
		e.note(u.Reason)
	}
}
