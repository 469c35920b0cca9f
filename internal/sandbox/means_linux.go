package sandbox

import (
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Means are the means of confinement that this process can use on this machine.
type Means struct {
	Landlock int  // version of the interface of Landlock (landlock(7)); 0: none
	Filter   bool // filters of system calls
	Mounts   bool // mounts that only a process and its children have
}

// Ports reports whether TCP ports can be confined.
func (m Means) Ports() bool { return m.Landlock >= 4 }

// Scopes reports whether signals and abstract sockets can be confined.
func (m Means) Scopes() bool { return m.Landlock >= 6 }

// LogsDenials reports whether the kernel can log the denials of Landlock.
func (m Means) LogsDenials() bool { return m.Landlock >= 7 }

// Probe returns the means that this process has.
var Probe = sync.OnceValue(func() Means {
	return Means{Landlock: landlockVersion(), Filter: filters(), Mounts: canMount()}
})

// filters reports whether there is a filter for this architecture, and whether the kernel supports
// it.
func filters() bool {
	action := uint32(unix.SECCOMP_RET_ERRNO)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return nativeArch != 0 && errno == 0
}

// canMount tries whether a process of this process's user can create mounts, in a thread that ends
// afterwards: capabilities are not sufficient, because a container may forbid it in other ways.
func canMount() bool {
	could := make(chan bool)
	go func() {
		runtime.LockOSThread() // and never unlocked, so that the thread ends with the goroutine
		if unix.Gettid() == unix.Getpid() {
			// The main thread's view of the file system is the view of the whole process.
			could <- canMount()
			runtime.UnlockOSThread()
			return
		}
		could <- tryMounts() == nil
	}()
	return <-could
}

func tryMounts() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/tmp", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return err
	}
	return mountProc("/proc")
}
