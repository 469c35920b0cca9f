package sandbox

import (
	"golang.org/x/sys/unix"
)

// Prepare makes the changes that require root's rights, for the calling thread: to its view of the
// file system, and to the set of capabilities that it can gain later, which becomes empty. It must
// be called before the thread changes its user. An error is an [*Error].
func (r *Rules) Prepare() error {
	if r.Means.Mounts {
		if err := r.mountOwn(); err != nil {
			return err
		}
	}
	return failed("drop the capabilities", dropBounding())
}

// Restrict confines the calling thread, and the programs that it executes. It opens the paths of
// the grants with the thread's present rights, which are the user's. misled are the grants that
// lead to places where they may not lead. For a process that learns, listener is the listener for
// [Watch]; otherwise it is -1. An error is an [*Error].
func (r *Rules) Restrict() (misled []Misled, listener int, err error) {
	if err := dropCapabilities(); err != nil {
		return nil, -1, failed("drop the capabilities", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, -1, failed("give up new privileges", err)
	}
	if r.Learn {
		// Calls are reported on a descriptor, and wait until they are answered.
		listener, err := installFilter(learningFilter(), unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
		return nil, listener, failed("have the system calls reported", err)
	}
	misled, err = r.enforce()
	return misled, -1, err
}

// enforce applies the rules. misled are the grants that lead to places where they may not lead.
func (r *Rules) enforce() (misled []Misled, err error) {
	if r.Means.Landlock > 0 {
		if misled, err = r.restrictAccess(); err != nil {
			return nil, err
		}
	}
	if !r.Means.Filter {
		return misled, nil
	}
	_, err = installFilter(callFilter(r.Network), unix.SECCOMP_FILTER_FLAG_LOG)
	if err == nil {
		_, err = installFilter(absentFilter(), 0)
	}
	return misled, failed("filter the system calls", err)
}

// dropBounding empties the set of capabilities that programs can gain by being executed. A process
// without CAP_SETPCAP keeps the set, which is harmless without new privileges.
func dropBounding() error {
	for c := range uintptr(64) {
		switch err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err {
		case nil:
		case unix.EPERM, unix.EINVAL: // beyond the last capability
			return nil
		default:
			return err
		}
	}
	return nil
}

// dropCapabilities removes all capabilities from the thread.
func dropCapabilities() error {
	// A kernel without ambient capabilities has none to clear.
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}
