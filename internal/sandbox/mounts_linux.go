package sandbox

import (
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// publicFolders are the folders of temporary files, where programs could read each other's files.
var publicFolders = []string{"/tmp", "/var/tmp"}

const sharedMemory = "/dev/shm"

// mountOwn gives the thread its own view of the file system: a separate folder for temporary files,
// and only those processes that it may inspect according to Landlock.
func (r *Rules) mountOwn() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return failed("make a mount namespace", err)
	}
	// Later mounts of the machine are visible here, and these mounts are not visible to the
	// machine.
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

// HidesTemporary reports whether the process has its own folder in place of one of the machine's
// folders for temporary files. It does unless a grant is inside that folder.
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
