package pysource

import (
	"math"
	"path"
)

// known follows a call of a function that is not the file's own. It returns nil for arguments that
// it cannot follow.
type known func(e *evaluation, args []Value, keywords map[string]Value) Value

// functions are the functions of Python and its standard library that are followed, by their whole
// names.
var functions map[string]known

func init() {
	functions = map[string]known{
		"os.path.join": joinPaths, "os.path.dirname": onPath(dirname), "os.path.basename": onPath(basename),
		"os.path.normpath": onPath(path.Clean), "os.path.abspath": ofPath((*evaluation).absolute), "os.path.realpath": ofPath((*evaluation).absolute),
		"os.path.expanduser": ofPath((*evaluation).expandUser), "os.path.expandvars": ofPath(expandVariables),
		"os.path.exists": ofPath((*evaluation).exists), "os.path.isfile": ofPath((*evaluation).exists),
		"os.path.isdir": ofPath((*evaluation).exists),
		"os.path.isabs": ofPath(isAbsolute), "os.path.split": ofPath(splitPath), "os.path.splitext": ofPath(splitExtension),
		"os.fspath": toText, "pathlib.Path": newPath, "pathlib.PurePath": newPath, "pathlib.PosixPath": newPath,
		"os.getenv": getVariable, "os.putenv": putVariable, "os.getcwd": workingDirectory, "os.chdir": ofPath(changeDirectory),
		"os.cpu_count": cpus, "multiprocessing.cpu_count": cpus, "psutil.cpu_count": cpus, "os.process_cpu_count": cpus,
		"os.sched_getaffinity": affinity,
		"site.addsitedir":      ofPath(addSiteFolder),
		"sys.exit":             exitProgram, "os._exit": exitProgram, "exit": exitProgram, "quit": exitProgram,
		"open": ofPath(openPath), "io.open": ofPath(openPath), "codecs.open": ofPath(openPath), "file": ofPath(openPath),
		"exec": executeArgument, "execfile": ofPath(executeFile), "runpy.run_path": ofPath(executeFile), "compile": compileCode,
		"str": toText, "unicode": toText, "repr": toRepresentation, "int": toInt, "long": toInt, "float": toFloat,
		"bool": toBool, "len": length, "min": least, "max": greatest, "abs": absoluteNumber, "round": roundNumber,
		"math.ceil": roundWith(math.Ceil), "math.floor": roundWith(math.Floor),
		"list": toList, "tuple": toTuple, "set": toList, "frozenset": toList, "dict": toDict, "sorted": sortItems,
		"reversed": ofItems(reverseItems), "sum": ofItems(sumItems), "any": decidedBy(true), "all": decidedBy(false), "enumerate": ofItems(enumerate), "range": makeRange,
		"xrange": makeRange, "isinstance": isInstance, "print": printNothing, "pprint.pprint": printNothing,
	}
}

// unknownOf returns the first unknown argument, or nil.
func unknownOf(args []Value) Value {
	for _, arg := range args {
		if u, ok := arg.(Unknown); ok {
			return u
		}
	}
	return nil
}

func toText(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := text(first(args)); ok {
		return s
	}
	if c, ok := first(args).(*Computed); ok {
		return c
	}
	return nil
}

func toRepresentation(e *evaluation, args []Value, _ map[string]Value) Value {
	if s, ok := represent(first(args)); ok {
		return s
	}
	return nil
}

func toBool(e *evaluation, args []Value, _ map[string]Value) Value {
	if len(args) == 0 {
		return false
	}
	if is, known := truth(args[0]); known {
		return is
	}
	return nil
}

func isInstance(e *evaluation, args []Value, _ map[string]Value) Value {
	switch second(args) {
	case reference("str"):
		_, is := args[0].(string)
		return is
	case reference("int"):
		_, is := args[0].(int64)
		return is
	}
	return nil
}
