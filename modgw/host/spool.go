package host

import (
	"os"
	"path/filepath"

	"github.com/modgw/modgw/modgw/spool"
)

// spoolFolder is where bodies of slow clients are kept.
func (h *Host) spoolFolder() string { return filepath.Join(h.State(), "spool") }

// newSpool returns the spool of all apps. makeSpoolFolder creates its folder.
func (h *Host) newSpool() *spool.Spool {
	limits := h.file.Spool
	return spool.New(spool.Config{Dir: h.spoolFolder(), Memory: limits.Memory, Disk: limits.Disk})
}

// makeSpoolFolder creates the folder, accessible only to the host's user, and removes leftovers of
// a killed host.
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
	return os.Chmod(h.spoolFolder(), 0o700) // regardless of the umask
}
