// Package sandbox confines a process before it becomes a program: which files it may open and
// change, which TCP ports it may use, which system calls it may make, and what it sees of other
// processes. Everything that the process starts later is confined as well.
//
// It uses what the kernel has: Landlock (landlock(7)) for files, ports, signals and abstract
// sockets, a seccomp filter (seccomp(2)) for system calls, no_new_privs and empty capability sets
// (capabilities(7)), and, where the process begins with root's rights, a mount namespace of its own
// for /tmp and /proc. [Probe] says which of them a machine has.
//
// It speaks to the kernel itself. The library for Landlock opens the paths of its rules by name,
// where [Grant] has to know where a path has led before it is granted; the one for seccomp knows
// neither notifications nor what this filter asks of arguments. Both confine all threads of a
// process, and the one that uses this package goes on as a single thread.
//
// The package leaf knows nothing of apps. Which files a program needs, its users say.
package sandbox
