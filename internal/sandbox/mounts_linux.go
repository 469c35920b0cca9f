package sandbox

import (
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// publicFolders are where programs put temporary files, and so read those of others.
var publicFolders = []string{"/tmp", "/var/tmp"}

const sharedMemory = "/dev/shm"

// mountOwn gives the thread a view of the file system of its own: its own folder for temporary
// files, and of the processes only those that it may look into, which Landlock decides.
func (r *Rules) mountOwn() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return failed("make a mount namespace", err)
	}
	// What the machine mounts later is to be seen, and nothing of this in the machine.
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return failed("keep mounts to itself", err)
	}
	for _, folder := range publicFolders {
		if r.Temporary == "" || r.needs(folder) || !isFolder(folder) {
			continue
		}
		if err := unix.Mount(r.Temporary, folder, "", unix.MS_BIND, ""); err != nil {
			return failed("mount "+folder, err)
		}
		if err := unix.Mount("", folder, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
			return failed("mount "+folder, err)
		}
	}
	if isFolder(sharedMemory) && !r.needs(sharedMemory) {
		if err := unix.Mount("tmpfs", sharedMemory, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
			return failed("mount "+sharedMemory, err)
		}
	}
	return failed("mount /proc", mountProc("/proc"))
}

func mountProc(target string) error {
	return unix.Mount("proc", target, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "hidepid=4")
}

// HidesTemporary reports whether the process has its own folder in the place of one of the
// machine's for temporary files, which it has unless a grant lies in that.
func (r *Rules) HidesTemporary(folder string) bool {
	return r.Means.Mounts && (r.Temporary != "" || folder == sharedMemory) && !r.needs(folder)
}

// needs reports whether something that is granted lies in the folder.
func (r *Rules) needs(folder string) bool {
	for _, g := range r.Grants {
		if strings.HasPrefix(path.Clean(g.Path), folder+"/") {
			return true
		}
	}
	return strings.HasPrefix(r.Temporary, folder+"/")
}

// isFolder reports whether there is a folder, and no link to one.
func isFolder(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}
