package modgw

import "time"

// Environment is the result of a build for a descriptor. It is immutable: other inputs make another
// environment.
type Environment struct {
	ID           string        // "blog-3f9a1c07d2e4": app and hash; "" when nothing was built
	Dir          string        // the folder that holds it; the virtual environment for a Python app
	Interpreter  string        // absolute path of the python to run; "" for other kinds
	Binary       string        // absolute path of the program built from the app; "": none
	Version      string        // "CPython 3.12.1", "go1.26.8", "Node.js 20.20.2"
	FreeThreaded bool          // Python without a global interpreter lock
	SearchPath   []string      // entries to put before the rest of sys.path
	Variables    []string      // "KEY=value" for processes in the environment
	Source       string        // deciding input: "requirements.txt", "PEP 723 block of hello.wsgi"
	Unread       []string      // files that declare packages and were not read, with advice
	Builder      string        // "uv 0.13.9", "pip 24.0", "go1.26.8"; "" when nothing was built
	Packages     []Package     // installed packages, by name
	Built        time.Time     // end of the build; zero when nothing was built
	Took         time.Duration // zero when it was there already
}

// Package is one installed distribution.
type Package struct {
	Name    string `json:"name"`    // name of the distribution
	Version string `json:"version"` // its version
}
