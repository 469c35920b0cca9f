// Package kernelaudit reads from the kernel what it denies to confined processes, also when these
// hide it.
//
// It listens to the kernel's audit records beside other programs that do (group AUDIT_NLGRP_READLOG
// of netlink(7)), for which CAP_AUDIT_READ is needed in the first namespaces of the machine. It
// configures nothing: filters of system calls are reported always, and what Landlock denies where
// an administrator has turned auditing on. [Probe] says which of them can be had.
package kernelaudit
