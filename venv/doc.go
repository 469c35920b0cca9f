// Package venv makes the environment that a descriptor asks for: a virtual environment for a Python app, nothing for
// the other kinds so far.
//
// An environment is named by the hash of everything that decides what is in it, is built where it stays, and is
// complete when its marker file is there. So an unchanged app finds its environment at once, a changed one gets another
// beside it, and a build that fails or is killed leaves nothing that could be mistaken for an environment.
//
// Inputs are looked for in this order, and the first that is there decides: a virtual environment that the descriptor
// names; its requirement files and packages; requirements.txt in the root; the PEP 723 block of the entry file.
//
// The package starts no app, watches no file and removes no finished environment.
package venv
