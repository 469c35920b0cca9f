package account

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Do runs f while the kernel checks file access against the account's rights, and returns f's
// error. It is for the short work of opening files in folders that the account can change: f must
// not start goroutines or processes.
//
// The rights belong to a single thread (setfsuid(2), and setgroups(2) without the C library's
// broadcast) that ends with the call, so the rest of the process never has them. For this process's
// own user, Do only calls f.
func (a *Account) Do(f func() error) error {
	if a == nil {
		return f()
	}
	done := make(chan error, 1)
	go func() {
		// It is never unlocked: the runtime ends the thread with the goroutine instead of reusing
		// it.
		runtime.LockOSThread()
		if err := a.assume(); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

func (a *Account) assume() error {
	if err := setThreadGroups(a.Groups); err != nil {
		return fmt.Errorf("cannot take the groups of user %q: %w", a.Name, err)
	}
	// setfsuid and setfsgid report no errors: they return the previous id, so a second call shows
	// whether the first one worked.
	_ = unix.Setfsgid(int(a.GID))
	_ = unix.Setfsuid(int(a.UID))
	gid, _ := unix.SetfsgidRetGid(-1)
	uid, _ := unix.SetfsuidRetUid(-1)
	if gid != int(a.GID) || uid != int(a.UID) {
		return fmt.Errorf("cannot take the rights of user %q: the kernel kept uid %d, gid %d", a.Name, uid, gid)
	}
	return nil
}
