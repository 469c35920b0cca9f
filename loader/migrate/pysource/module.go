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
	File string

	// Bindings are the assignments to names of the module, in order. The last one of a name counts.
	Bindings []Binding

	// Path has the entries that the file adds to sys.path, in their order there.
	Path []PathEntry

	// Environ has the environment variables that it sets, in order.
	Environ []Variable

	// Reads are the environment variables that it asks for, each once.
	Reads []EnvRead

	Imports   []Import
	Functions []Function // functions and classes of the module

	// Activated are scripts such as activate_this.py that it executes, and Changed the folders that it
	// changes to.
	Activated []Location
	Changed   []Location

	// Unread has the statements whose effect is not known, and why; Mistakes those that are no Python.
	Unread, Mistakes []Note
}

// Binding is an assignment to a name.
type Binding struct {
	Name  string
	Line  int
	Value Value

	// Env has the environment variables that the value depends on, sorted.
	Env []string

	// Variable is the environment variable that the value is taken from as it is, or by int(); "" for
	// a value that is computed otherwise.
	Variable string

	// Sure is whether the statement is executed: it stands in no condition that is not known.
	Sure bool
}

// PathEntry is an entry that a file adds to sys.path.
type PathEntry struct {
	Dir   string
	Line  int
	Front bool // before the modules of Python itself
	Site  bool // by site.addsitedir, which reads .pth files in it
	Sure  bool
}

// Variable is an environment variable that a file sets.
type Variable struct {
	Name    string
	Value   Value
	Line    int
	Default bool // by setdefault: only where it is not set
	Sure    bool
}

// EnvRead is an environment variable that a file asks for.
type EnvRead struct {
	Name    string
	Line    int
	Default Value // nil: it must be set
	Set     bool  // Options.Environ has it
}

// Import is a name that a file imports. For "import module" Name is empty.
type Import struct {
	Module, Name, As string
	Line             int
	Sure             bool
}

// Function is a function or class that a file defines.
type Function struct {
	Name  string
	Line  int
	Class bool
}

// Location is a path that a file names in a statement.
type Location struct {
	Path string
	Line int
	Sure bool
}

// Note is about a statement.
type Note struct {
	Line, End int
	Reason    string
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
