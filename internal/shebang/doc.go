// Package shebang finds why the kernel cannot run a script: its first line has to name an
// interpreter that is there (execve(2)). It knows nothing of what the script is for.
package shebang
