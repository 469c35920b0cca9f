// Package sandbox confines a process before it executes a program: which files it may open and
// change, which TCP ports it may use, which system calls it may make, and what it can see of other
// processes. All processes that it starts later are confined as well.
//
// It uses mechanisms of the kernel: Landlock (landlock(7)) for files, ports, signals and abstract
// sockets, a seccomp filter (seccomp(2)) for system calls, no_new_privs and empty capability sets
// (capabilities(7)), and, if the process starts with root's rights, a separate mount namespace for
// /tmp and /proc. [Probe] returns which of them a machine supports.
//
// It makes the system calls itself. The library for Landlock opens the paths of its rules by name,
// whereas [Grant] must know where a path leads before access is granted; the library for seccomp
// supports neither notifications nor the checks of arguments in this filter. Both confine all
// threads of a process, whereas the process that uses this package continues as a single thread.
//
// The package is a leaf and does not know about apps. Its users decide which files a program needs.
package sandbox
