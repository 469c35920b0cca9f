// Package venv makes the environment that a descriptor asks for: a virtual environment for a Python
// app, the program of a Go app, the packages of a Node.js app; and it runs the command of a build
// block.
//
// An environment is named by the hash of everything that decides what is in it, is built where it
// stays, and is complete when its marker file is there. So an unchanged app finds its environment
// at once, a changed one gets another beside it, apps of one user share equal ones, and a build
// that fails or is killed leaves nothing that could be mistaken for an environment. A recipe is
// what one kind of environment is made from, and how.
//
// For Python, inputs are looked for in this order, and the first that is there decides: a virtual
// environment that the descriptor names; its requirement files and packages; uv.lock; pylock.toml;
// requirements.txt; the PEP 723 block of the entry file; pyproject.toml.
//
// The package starts no app, watches no file, and removes finished environments only when it is
// told which are in use.
package venv
