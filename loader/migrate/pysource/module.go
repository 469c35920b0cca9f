package pysource

// Options describe the surroundings in which a file would be executed.
type Options struct {
	// Environ has the environment variables that it would see. One that is not there counts as not
	// set.
	Environ map[string]string

	// Dir is its working directory. Empty: not known.
	Dir string

	// Exists reports whether there is a file or folder. Nil: that is not known.
	Exists func(path string) bool
}

// Module has the contents of a file.
type Module struct {
	File string // absolute path; empty when it is not known

	// Bindings are the assignments to names of the module, in order. The last one of a name counts.
	Bindings []Binding

	// Path has the entries that the file adds to sys.path, in their order there.
	Path []PathEntry

	// Environ has the environment variables that it sets, in order.
	Environ []Variable

	Imports   []Import   // imports of the module itself, in order
	Functions []Function // functions and classes of the module

	// Activated are scripts such as activate_this.py that it executes.
	Activated []Location

	// Changed are the folders that it changes to.
	Changed []Location

	// Unread has the statements whose effect is not known.
	Unread []Note

	// Mistakes are the statements that are no Python.
	Mistakes []Note
}

// Binding is an assignment to a name.
type Binding struct {
	Name  string // name of the module
	Line  int    // first line of the statement
	Value Value  // value after the statement

	// Env has the environment variables that the value depends on, sorted.
	Env []string

	// Sure is whether the statement is executed: it is in no unknown condition.
	Sure bool
}

// PathEntry is an entry that a file adds to sys.path.
type PathEntry struct {
	Dir  string // path as it is there
	Line int    // line of the statement that adds it
	Sure bool   // whether the statement is executed in any case
}

// Variable is an environment variable that a file sets.
type Variable struct {
	Name  string // name of the variable
	Value Value  // a string, or Unknown
	Line  int    // line of the statement
	Sure  bool   // whether the statement is executed in any case
}

// Import is a name that a file imports.
type Import struct {
	Module string // module with its dots: ".models"
	Line   int    // line of the statement
}

// Function is a function or class that a file defines.
type Function struct {
	Name string // its name in the module
	Line int    // first line, including its decorator
}

// Location is a path that a file names in a statement.
type Location struct {
	Path string // as the statement has it
	Line int    // line of the statement
}

// Note is about a statement.
type Note struct {
	Line   int    // first line, from 1
	Reason string // clause about the statement: "it is a generator"
}
