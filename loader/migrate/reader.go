package migrate

// Reader reads one format.
type Reader interface {
	// Name returns the name of the format for people: "Apache configuration".
	Name() string

	// Recognise returns how sure it is that a source has its format, from 0, not at all, to 100.
	// It looks at the content. The name of the file may only decide between formats that the
	// content fits alike.
	Recognise(Source) int

	// Read puts a source that it has recognised into the plan.
	Read(Source, *Plan)
}

// Program reads command lines of one server, which occur in units of systemd, in shell scripts, in
// programs of supervisor, in a Procfile, in a Dockerfile. Readers of those pass them to
// [Plan.Command].
type Program interface {
	// Name returns the name of the program: "gunicorn".
	Name() string

	// Runs reports whether a command line starts the program. The first argument is the program;
	// "python -m gunicorn" and similar have been reduced to the program.
	Runs(args []string) bool

	// Read puts a command line into the plan, with an entry for each of its options.
	Read(Command, *Plan)
}

// Command is a command line of a source, split into words as a shell does.
type Command struct {
	Place                   // line of the source
	Args  []string          // program and arguments
	Env   map[string]string // variables that are set for it
	Dir   string            // absolute working directory; "": unknown
	User  string            // "": unknown
	Group string            // "": unknown
	Name  string            // name of the unit or program, for the app; "": none

	// Variables are the parts that its surroundings fill in, such as $PORT, as they are written.
	Variables []string
}
