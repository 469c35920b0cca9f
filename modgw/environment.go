package modgw

import "time"

// Environment is what was built for a descriptor. It is immutable: another set of inputs makes
// another environment.
type Environment struct {
	ID           string    // "blog-3f9a1c07d2e4": the app's name and the hash of the inputs; "" when nothing was built
	Dir          string    // the folder that holds it; the virtual environment for a Python app
	Interpreter  string    // absolute path of the python to run; "" for other kinds
	Binary       string    // absolute path of the program that was built from the app's own code; "" when none was
	Version      string    // "CPython 3.12.1", "go1.26.8", "Node.js 20.20.2"
	FreeThreaded bool      // Python without a global interpreter lock: threads run at the same time
	SearchPath   []string  // entries to put before the rest of sys.path
	Variables    []string  // "KEY=value" that processes in the environment need: PATH, VIRTUAL_ENV
	Source       string    // the input that decided: "requirements.txt", "packages", "PEP 723 block of hello.wsgi"
	Unread       []string  // project files that declare packages and were not read, each with what to do, where Source is "no requirements"
	Builder      string    // "uv 0.13.9", "pip 24.0", "go1.26.8", "npm 9.2.0"; "" when nothing was built
	Packages     []Package // what is installed, by name
	Built        time.Time
	Took         time.Duration // zero when it was there already
}

// Package is one installed distribution.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}
