package main

import "syscall"

// kill ends a process by force.
func kill(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }
