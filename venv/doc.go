// Package venv builds the environment that a descriptor asks for: a virtual environment for a
// Python app, the program of a Go app, the packages of a Node.js app. It also runs the command of a
// build block.
//
// An environment is named by the hash of all its inputs, is built in its final place, and is
// complete when its marker file exists. So an unchanged app finds its environment at once, a
// changed one gets a new one next to it, apps of one user share equal ones, and a build that fails
// or is killed leaves nothing that could be mistaken for an environment. A recipe describes the
// inputs of one kind of environment, and how to build it.
//
// For Python, inputs are looked for in this order, and the first one found is used: a virtual
// environment that the descriptor names; its requirement files and packages; uv.lock; pylock.toml;
// requirements.txt; the PEP 723 block of the entry file; pyproject.toml.
//
// The package starts no app, watches no file, and removes finished environments only if the caller
// lists those in use.
package venv
