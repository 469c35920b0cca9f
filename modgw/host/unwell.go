package host

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/metrics"
)

// diagnoseHost explains why the host itself is unhealthy; nil: it is healthy as far as known.
func (h *Host) diagnoseHost(broken []diagnosis.BrokenFile) *diagnosis.Diagnosis {
	h.mu.Lock()
	mistake := h.fileMistake
	h.mu.Unlock()
	about := diagnosis.Host{
		Now: time.Now(), Certificates: h.certificates(), File: mistake, Broken: broken,
		WatchDegraded: h.watcher.Status(ownFiles).Degraded, State: diskAt(h.State()),
	}
	about.Files.Open, about.Files.Most = metrics.OpenFiles()
	return diagnosis.OfHost(about)
}

// setFileMistake keeps why the host's own file cannot be used; nil: it can.
func (h *Host) setFileMistake(err error) {
	var mistake *modgw.Fault
	if load, ok := errors.AsType[*LoadError](err); ok {
		mistake = load.Diagnostics.Fault()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fileMistake = mistake
}

// diskAt is the file system of a folder, as far as it can be read.
func diskAt(path string) diagnosis.Disk {
	d := diagnosis.Disk{Path: path}
	var s unix.Statfs_t
	if unix.Statfs(path, &s) != nil {
		return d
	}
	block := uint64(s.Frsize)
	// Bavail excludes reserved space, which root may use, but neither the users of apps nor root in
	// a container.
	d.Size, d.Free = s.Blocks*block, s.Bavail*block
	d.MostFiles, d.FreeFiles = s.Files, s.Ffree
	return d
}
