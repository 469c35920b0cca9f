// Package kernelaudit reads from the kernel which accesses of confined processes it denies, even if
// the processes hide the denials.
//
// It reads the kernel's audit records next to other programs that do so (group AUDIT_NLGRP_READLOG
// of netlink(7)), which requires CAP_AUDIT_READ in the machine's initial namespaces. It changes no
// settings: denials of system call filters are always reported, denials of Landlock only if an
// administrator has turned auditing on. [Probe] returns which of them are available.
package kernelaudit
