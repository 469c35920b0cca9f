package host

import (
	"os"
	"path/filepath"

	"github.com/modgw/modgw/modgw/spool"
)

// spoolFolder is where bodies of slow clients are kept.
func (h *Host) spoolFolder() string { return filepath.Join(h.State(), "spool") }

// newSpool makes the spool of all apps, whose folder makeSpoolFolder makes.
func (h *Host) newSpool() *spool.Spool {
	limits := h.file.Spool
	return spool.New(spool.Config{Dir: h.spoolFolder(), Memory: limits.Memory, Disk: limits.Disk})
}

// makeSpoolFolder makes the folder, accessible to the host's user alone, and removes what a
// killed host has left in it.
func (h *Host) makeSpoolFolder() error {
	if h.config.Predecessor != nil {
		return nil // it is there, and in use
	}
	if err := os.RemoveAll(h.spoolFolder()); err != nil {
		return err
	}
	if err := os.Mkdir(h.spoolFolder(), 0o700); err != nil {
		return err
	}
	return os.Chmod(h.spoolFolder(), 0o700) // whatever the umask says
}
