package pysource

// Options say what is known of where a file would be executed.
type Options struct {
	// Environ has the environment variables that it would see. One that is not there counts as not
	// set.
	Environ map[string]string

	// Dir is its working directory. Empty: not known.
	Dir string

	// Exists reports whether there is a file or folder. Nil: that is not known.
	Exists func(path string) bool

	// Names are known before it begins, such as __file__ of a file that has another one.
	Names map[string]Value
}

// Module is what a file says.
type Module struct {
	File string // absolute path; empty when it is not known

	// Bindings are the assignments to names of the module, in order. The last one of a name counts.
	Bindings []Binding

	// Path has the entries that the file adds to sys.path, in their order there.
	Path []PathEntry

	// Environ has the environment variables that it sets, in order.
	Environ []Variable

	// Reads are the environment variables that it asks for, each once.
	Reads []EnvRead

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

	// Variable is the environment variable that the value is taken from as it is, or by int();
	// empty for a value that is computed otherwise.
	Variable string

	// Sure is whether the statement is executed: it stands in no condition that is not known.
	Sure bool
}

// PathEntry is an entry that a file adds to sys.path.
type PathEntry struct {
	Dir   string // path as it is there
	Line  int    // line of the statement that adds it
	Front bool   // whether it stands before the modules of Python itself
	Site  bool   // whether site.addsitedir adds it, which reads .pth files in it
	Sure  bool   // whether the statement is executed in any case
}

// Variable is an environment variable that a file sets.
type Variable struct {
	Name    string // name of the variable
	Value   Value  // a string, or what is not known
	Line    int    // line of the statement
	Default bool   // whether it is set by setdefault, only where it is not set
	Sure    bool   // whether the statement is executed in any case
}

// EnvRead is an environment variable that a file asks for.
type EnvRead struct {
	Name    string // name of the variable
	Line    int    // line of the statement that asks first
	Default Value  // nil: it must be set
	Set     bool   // whether Options.Environ has it
}

// Import is a name that a file imports.
type Import struct {
	Module string // module with its dots: ".models"
	Name   string // empty for "import module"
	As     string // name that it is bound to; empty: its own
	Line   int    // line of the statement
	Sure   bool   // whether the statement is executed in any case
}

// Function is a function or class that a file defines.
type Function struct {
	Name  string // its name in the module
	Line  int    // first line, that of the decorator where it has one
	Class bool   // whether it is a class
}

// Location is a path that a file names in a statement.
type Location struct {
	Path string // as the statement has it
	Line int    // line of the statement
	Sure bool   // whether the statement is executed in any case
}

// Note is about a statement.
type Note struct {
	Line   int    // first line, from 1
	End    int    // last line
	Reason string // clause about the statement: "it is a generator"
}

// Binding returns the last assignment to a name, nil without one.
func (m *Module) Binding(name string) *Binding {
	for i := len(m.Bindings) - 1; i >= 0; i-- {
		if m.Bindings[i].Name == name {
			return &m.Bindings[i]
		}
	}
	return nil
}
