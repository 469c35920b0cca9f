package sandbox

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readAccess = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR

	writeAccess = readAccess | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

	// fileAccess is the access that can be granted for a file that is not a folder.
	fileAccess = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

	portAccess = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP

	scopes = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL

	netPort = 2 // LANDLOCK_RULE_NET_PORT
)

// handled returns the accesses that a kernel with this version of Landlock can deny.
func handled(abi int) unix.LandlockRulesetAttr {
	const refer, truncate, ioctl = unix.LANDLOCK_ACCESS_FS_REFER, unix.LANDLOCK_ACCESS_FS_TRUNCATE, unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	all := unix.LandlockRulesetAttr{Handled_access_fs: writeAccess, Handled_access_net: portAccess, Scoped: scopes}
	if abi < 2 {
		all.Handled_access_fs &^= refer
	}
	if abi < 3 {
		all.Handled_access_fs &^= truncate
	}
	if abi < 4 {
		all.Handled_access_net = 0
	}
	if abi < 5 {
		all.Handled_access_fs &^= ioctl
	}
	if abi < 6 {
		all.Scoped = 0
	}
	return all
}

// restrictAccess applies the rules that Landlock can enforce. misled are the grants that lead to
// places where they may not lead.
func (r *Rules) restrictAccess() (misled []Misled, err error) {
	attr := handled(r.Means.Landlock)
	if r.Network == Open {
		attr.Handled_access_net = 0
	}
	// Later fields are unknown to older kernels, which accept none but zeros.
	const size = unsafe.Offsetof(attr.Quiet_access_fs)
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return nil, failed("make the rules for files", errno)
	}
	defer unix.Close(int(ruleset))
	for _, g := range r.Grants {
		leads, err := r.grant(int(ruleset), g, attr.Handled_access_fs)
		if err != nil {
			return nil, failed("grant "+strconv.Quote(g.Path), err)
		}
		if leads != "" {
			misled = append(misled, Misled{g.Path, leads, g.Write})
		}
	}
	if err := r.grantPorts(int(ruleset), attr.Handled_access_net); err != nil {
		return nil, failed("grant a port", err)
	}
	var flags uintptr
	if r.Means.LogsDenials() {
		// the program's denials are to be logged
		flags = unix.LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
	}
	if _, _, errno = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, flags, 0); errno != 0 {
		return nil, failed("enforce the rules for files", errno)
	}
	return misled, nil
}

// grant adds the rules of a grant. A path that cannot be opened grants no access. Neither does a
// path that leads to a place where it may not lead; leads is then that place.
func (r *Rules) grant(ruleset int, g Grant, handled uint64) (leads string, err error) {
	fd, err := unix.Open(g.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil // the program finds out as well
	}
	defer unix.Close(fd)
	// Judge the opened file and not its name, because others can change where the name leads.
	opened, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	switch {
	case err != nil:
		return "", nil
	case g.Within != nil && !liesIn(opened, g.Within):
		return opened, nil
	}
	if err := addPath(ruleset, fd, g.Write, handled); err != nil || !g.Program {
		return "", err
	}
	for _, beside := range installation(opened) {
		if _, err := r.grant(ruleset, Grant{Path: beside, Within: g.Within}, handled); err != nil {
			return "", err
		}
	}
	return "", nil
}

// addPath adds a rule for an open file or folder.
func addPath(ruleset, fd int, write bool, handled uint64) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	access := uint64(readAccess)
	if write {
		access = writeAccess
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= fileAccess
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access & handled, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// liesIn reports whether an absolute path is one of the folders, or is below one of them.
func liesIn(name string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		inside, below := strings.CutPrefix(name, strings.TrimSuffix(path.Clean(folder), "/"))
		return below && (inside == "" || inside[0] == '/')
	})
}

// grantPorts adds the rules for ports. Port 0 means any free port, which a process can get by
// listen(2) anyway.
func (r *Rules) grantPorts(ruleset int, handled uint64) error {
	if handled == 0 {
		return nil
	}
	grants := map[uint16]uint64{0: unix.LANDLOCK_ACCESS_NET_BIND_TCP}
	for _, port := range r.Listen {
		grants[port] |= unix.LANDLOCK_ACCESS_NET_BIND_TCP
	}
	for _, port := range r.Connect {
		grants[port] |= unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	for port, access := range grants {
		rule := struct{ access, port uint64 }{access, uint64(port)} // struct landlock_net_port_attr
		_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), netPort, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
		if errno != 0 {
			return errno
		}
	}
	return nil
}

// landlockVersion returns the version of the kernel's Landlock interface, or 0 if it has none.
func landlockVersion() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}
