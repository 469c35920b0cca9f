// Package shebang determines why the kernel cannot run a script: its first line must name an
// existing interpreter (execve(2)). It does not know the purpose of the script.
package shebang
