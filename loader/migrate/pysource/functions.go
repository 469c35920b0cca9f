package pysource

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// known follows a call of a function that is not the file's own. It returns nil for arguments that
// it cannot follow.
type known func(e *evaluation, args []Value, keywords map[string]Value) Value

// functions are those of Python and its standard library that are followed, by their whole names.
var functions map[string]known

func init() {
	functions = map[string]known{
		"os.path.join": joinPaths, "os.path.dirname": onPath(dirname), "os.path.basename": onPath(basename),
		"os.path.normpath": onPath(path.Clean), "os.path.abspath": absolutePath, "os.path.realpath": absolutePath,
		"os.path.expanduser": expandUser, "os.path.expandvars": expandVariables,
		"os.path.exists": pathExists, "os.path.isfile": pathExists, "os.path.isdir": pathExists,
		"os.path.isabs": isAbsolute, "os.path.split": splitPath, "os.path.splitext": splitExtension,
		"os.fspath": toText, "pathlib.Path": newPath, "pathlib.PurePath": newPath, "pathlib.PosixPath": newPath,
		"os.getenv": getVariable, "os.putenv": putVariable, "os.getcwd": workingDirectory, "os.chdir": changeDirectory,
		"os.cpu_count": cpus, "multiprocessing.cpu_count": cpus, "psutil.cpu_count": cpus, "os.process_cpu_count": cpus,
		"os.sched_getaffinity": affinity,
		"site.addsitedir":      addSiteFolder,
		"sys.exit":             exitProgram, "os._exit": exitProgram, "exit": exitProgram, "quit": exitProgram,
		"open": openPath, "io.open": openPath, "codecs.open": openPath, "file": openPath,
		"exec": executeArgument, "execfile": executeFile, "runpy.run_path": executeFile, "compile": compileCode,
		"str": toText, "unicode": toText, "repr": toRepresentation, "int": toInt, "long": toInt, "float": toFloat,
		"bool": toBool, "len": length, "min": least, "max": greatest, "abs": absoluteNumber, "round": roundNumber,
		"math.ceil": roundWith(math.Ceil), "math.floor": roundWith(math.Floor),
		"list": toList, "tuple": toTuple, "set": toList, "frozenset": toList, "dict": toDict, "sorted": sortItems,
		"reversed": reverseItems, "sum": sumItems, "any": anyItem, "all": allItems, "enumerate": enumerate, "range": makeRange,
		"xrange": makeRange, "isinstance": isInstance, "print": printNothing, "pprint.pprint": printNothing,
	}
}

func dirname(p string) string {
	at := strings.LastIndexByte(p, '/') + 1
	head := p[:at]
	if strings.Trim(head, "/") != "" {
		head = strings.TrimRight(head, "/")
	}
	return head
}

func basename(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// onPath makes a function of one path.
func onPath(f func(string) string) known {
	return func(e *evaluation, args []Value, _ map[string]Value) Value {
		if s, ok := pathText(first(args)); ok && len(args) == 1 {
			return f(s)
		}
		return unknownOf(args)
	}
}

func pathText(v Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Path:
		return string(v), true
	}
	return "", false
}

// unknownOf returns the first argument that is not known, nil without one.
func unknownOf(args []Value) Value {
	for _, arg := range args {
		if u, ok := arg.(Unknown); ok {
			return u
		}
	}
	return nil
}

func joinPaths(e *evaluation, args []Value, _ map[string]Value) Value {
	joined := ""
	for i, arg := range args {
		s, ok := pathText(arg)
		switch {
		case !ok:
			return unknownOf(args)
		case i == 0 || strings.HasPrefix(s, "/"):
			joined = s
		case joined == "" || strings.HasSuffix(joined, "/"):
			joined += s
		default:
			joined += "/" + s
		}
	}
	return e.limited(joined)
}

func (e *evaluation) absolute(p string) Value {
	switch {
	case strings.HasPrefix(p, "/"):
		return path.Clean(p)
	case e.dir != "":
		return path.Join(e.dir, p)
	}
	return e.unknown("it depends on the working directory, which is not known")
}

func absolutePath(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		return e.absolute(s)
	}
	return unknownOf(args)
}

func expandUser(e *evaluation, args []Value, _ map[string]Value) Value {
	s, ok := pathText(first(args))
	if !ok {
		return unknownOf(args)
	}
	rest, mine := strings.CutPrefix(s, "~/")
	home, set := e.environ["HOME"].(string)
	switch {
	case !strings.HasPrefix(s, "~"):
		return s
	case mine && set:
		return path.Join(home, rest)
	}
	return e.unknown("it depends on the home folder of the user that executes the file")
}

func expandVariables(e *evaluation, args []Value, _ map[string]Value) Value {
	s, ok := pathText(first(args))
	if ok && !strings.Contains(s, "$") {
		return s
	}
	return unknownOf(args)
}

func (e *evaluation) exists(p string) Value {
	if e.options.Exists == nil {
		return e.unknown("it depends on which files there are")
	}
	return e.options.Exists(p)
}

func pathExists(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		return e.exists(s)
	}
	return unknownOf(args)
}

func isAbsolute(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		return strings.HasPrefix(s, "/")
	}
	return unknownOf(args)
}

func splitPath(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		return &List{Items: []Value{dirname(s), basename(s)}, Tuple: true}
	}
	return unknownOf(args)
}

func splitExtension(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		extension := path.Ext(s)
		return &List{Items: []Value{strings.TrimSuffix(s, extension), extension}, Tuple: true}
	}
	return unknownOf(args)
}

func newPath(e *evaluation, args []Value, _ map[string]Value) Value {
	if len(args) == 0 {
		return Path(".")
	}
	return pathOf(onPath(path.Clean)(e, []Value{joinPaths(e, args, nil)}, nil))
}

func getVariable(e *evaluation, args []Value, keywords map[string]Value) Value {
	return e.environMethod("get", args, keywords)
}

func putVariable(e *evaluation, args []Value, _ map[string]Value) Value {
	if len(args) == 2 {
		e.setVariable(statement{line: e.line, end: e.line}, args[0], args[1], false)
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

func changeDirectory(e *evaluation, args []Value, _ map[string]Value) Value {
	s, ok := pathText(first(args))
	if !ok {
		return unknownOf(args)
	}
	to, ok := e.absolute(s).(string)
	if !ok {
		return nil
	}
	e.dir = to
	e.module.Changed = append(e.module.Changed, Location{to, e.line, e.sure()})
	return None{}
}

func cpus(*evaluation, []Value, map[string]Value) Value { return &Computed{Op: "cpus"} }

// affinity returns a set of CPUs, which is only good for its length.
func affinity(*evaluation, []Value, map[string]Value) Value { return cpuSet{} }

type cpuSet struct{}

func addSiteFolder(e *evaluation, args []Value, _ map[string]Value) Value {
	s, ok := pathText(first(args))
	if !ok {
		return unknownOf(args)
	}
	if has, _ := e.contains(e.path, s); !has {
		e.path.Items = append(e.path.Items, s)
	}
	e.trackPath()
	entry := e.origins[s]
	entry.Site = true
	e.origins[s] = entry
	return None{}
}

func exitProgram(*evaluation, []Value, map[string]Value) Value { return exit{} }

func openPath(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		return openFile{s}
	}
	return unknownOf(args)
}

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

func executeFile(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := pathText(first(args)); ok {
		return e.activate(code{s})
	}
	return unknownOf(args)
}

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
	e.module.Activated = append(e.module.Activated, Location{p, e.line, e.sure()})
	return None{}
}

// executeCode follows the exec statement of Python 2.
func (e *evaluation) executeCode(s statement, v Value) {
	if list, ok := v.(*List); ok && list.Tuple { // exec(code, globals)
		v = first(list.Items)
	}
	if u, ok := e.activate(v).(Unknown); ok {
		e.note(s, u.Reason)
	}
}

func toText(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := text(first(args)); ok {
		return s
	}
	if c, ok := first(args).(*Computed); ok {
		return c
	}
	return unknownOf(args)
}

func toRepresentation(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := represent(first(args)); ok {
		return s
	}
	return unknownOf(args)
}

func toInt(e *evaluation, args []Value, _ map[string]Value) Value {
	switch v := first(args).(type) {
	case bool:
		n, _ := number(v)
		return int64(n)
	case int64:
		return v
	case float64:
		return int64(v)
	case string:
		base := 10
		if b, ok := nth(args, 1).(int64); ok && (b == 0 || b >= 2 && b <= 36) {
			base = int(b)
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(v), base, 64); err == nil {
			return n
		}
	case *Computed:
		return &Computed{"int", []Value{v}}
	}
	return unknownOf(args)
}

func toFloat(e *evaluation, args []Value, _ map[string]Value) Value {
	switch v := first(args).(type) {
	case bool, int64, float64:
		n, _ := number(v)
		return n
	case string:
		if n, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
			return n
		}
	case *Computed:
		return v
	}
	return unknownOf(args)
}

func toBool(e *evaluation, args []Value, _ map[string]Value) Value {
	if len(args) == 0 {
		return false
	}
	if is, known := truth(args[0]); known {
		return is
	}
	return unknownOf(args)
}

func length(e *evaluation, args []Value, _ map[string]Value) Value {
	switch v := first(args).(type) {
	case string:
		return int64(len(v))
	case *List:
		return int64(len(v.Items))
	case *Dict:
		return int64(len(v.Keys))
	case cpuSet:
		return &Computed{Op: "cpus"}
	}
	return unknownOf(args)
}

func least(e *evaluation, args []Value, _ map[string]Value) Value { return e.extreme("min", args) }

func greatest(e *evaluation, args []Value, _ map[string]Value) Value { return e.extreme("max", args) }

// extreme returns the least or greatest of some values.
func (e *evaluation) extreme(op string, args []Value) Value {
	if len(args) == 1 {
		items, ok := iterate(args[0])
		if !ok {
			return unknownOf(args)
		}
		args = items
	}
	if u := unknownOf(args); u != nil || len(args) == 0 {
		return u
	}
	best := args[0]
	for _, arg := range args {
		if _, ok := arg.(*Computed); ok {
			return &Computed{op, args}
		}
		order, known := compareOrder(arg, best)
		if !known {
			return nil
		}
		if order < 0 && op == "min" || order > 0 && op == "max" {
			best = arg
		}
	}
	return best
}

func absoluteNumber(e *evaluation, args []Value, _ map[string]Value) Value {
	switch v := first(args).(type) {
	case int64:
		return max(v, -v)
	case float64:
		return math.Abs(v)
	}
	return unknownOf(args)
}

func roundNumber(e *evaluation, args []Value, keywords map[string]Value) Value {
	if len(args) > 1 {
		return nil
	}
	return roundWith(math.RoundToEven)(e, args, keywords)
}

func roundWith(f func(float64) float64) known {
	return func(e *evaluation, args []Value, _ map[string]Value) Value {
		switch v := first(args).(type) {
		case int64:
			return v
		case float64:
			return int64(f(v))
		case *Computed:
			return &Computed{"int", []Value{v}}
		}
		return unknownOf(args)
	}
}

func toList(e *evaluation, args []Value, _ map[string]Value) Value {
	if len(args) == 0 {
		return &List{}
	}
	if items, ok := iterate(args[0]); ok {
		return &List{Items: items}
	}
	return unknownOf(args)
}

func toTuple(e *evaluation, args []Value, keywords map[string]Value) Value {
	v := toList(e, args, keywords)
	if l, ok := v.(*List); ok {
		l.Tuple = true
	}
	return v
}

func toDict(e *evaluation, args []Value, keywords map[string]Value) Value {
	d := &Dict{}
	if other, ok := first(args).(*Dict); ok {
		d.Keys, d.Values = slices.Clone(other.Keys), slices.Clone(other.Values)
		args = nil
	}
	if e.dictMethod(d, "update", args, keywords) == nil {
		return unknownOf(args)
	}
	return d
}

func sortItems(e *evaluation, args []Value, keywords map[string]Value) Value {
	items, ok := iterate(first(args))
	if !ok || len(keywords) > 0 {
		return unknownOf(args)
	}
	for i := 1; i < len(items); i++ {
		if _, known := compareOrder(items[i-1], items[i]); !known {
			return nil
		}
	}
	slices.SortStableFunc(items, func(a, b Value) int {
		order, _ := compareOrder(a, b)
		return order
	})
	return &List{Items: items}
}

func reverseItems(e *evaluation, args []Value, _ map[string]Value) Value {
	items, ok := iterate(first(args))
	if !ok {
		return unknownOf(args)
	}
	slices.Reverse(items)
	return &List{Items: items}
}

func sumItems(e *evaluation, args []Value, _ map[string]Value) Value {
	items, ok := iterate(first(args))
	if !ok {
		return unknownOf(args)
	}
	var total Value = int64(0)
	for _, item := range items {
		total = e.operate("+", total, item)
	}
	return total
}

func anyItem(e *evaluation, args []Value, _ map[string]Value) Value {
	return e.decide(first(args), true)
}

func allItems(e *evaluation, args []Value, _ map[string]Value) Value {
	return e.decide(first(args), false)
}

// decide returns whether one item is what decides, else its opposite.
func (e *evaluation) decide(of Value, deciding bool) Value {
	items, ok := iterate(of)
	if !ok {
		return nil
	}
	for _, item := range items {
		is, known := truth(item)
		switch {
		case !known:
			return nil
		case is == deciding:
			return deciding
		}
	}
	return !deciding
}

func enumerate(e *evaluation, args []Value, _ map[string]Value) Value {
	items, ok := iterate(first(args))
	if !ok {
		return unknownOf(args)
	}
	l := &List{}
	for i, item := range items {
		l.Items = append(l.Items, &List{Items: []Value{int64(i), item}, Tuple: true})
	}
	return l
}

func makeRange(e *evaluation, args []Value, _ map[string]Value) Value {
	low, step := int64(0), int64(1)
	high, ok := first(args).(int64)
	if len(args) > 1 {
		low = high
		high, ok = args[1].(int64)
		if len(args) > 2 {
			step, _ = args[2].(int64)
		}
	}
	if !ok || step == 0 || (high-low)/step > maxItems {
		return unknownOf(args)
	}
	l := &List{}
	for i := low; (step > 0 && i < high || step < 0 && i > high) && len(l.Items) < maxItems; i += step {
		l.Items = append(l.Items, i)
	}
	return l
}

func isInstance(e *evaluation, args []Value, _ map[string]Value) Value {
	switch nth(args, 1) {
	case reference("str"):
		_, is := args[0].(string)
		return is
	case reference("int"):
		_, is := args[0].(int64)
		return is
	}
	return nil
}

func printNothing(*evaluation, []Value, map[string]Value) Value { return None{} }
