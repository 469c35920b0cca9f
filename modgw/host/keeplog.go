package host

import (
	"path/filepath"

	"github.com/modgw/modgw/modgw/logbook"
)

// keepLog lets archives in the state folder have all log records, and returns a function that ends
// that.
func (h *Host) keepLog() (end func()) {
	if h.config.Dev != nil || h.config.Script {
		return func() {}
	}
	dir := filepath.Join(h.State(), "log")
	a, err := logbook.OpenArchives(dir, h.started, h.log)
	if err != nil {
		h.log.Warn("log records not kept", "folder", dir, "error", err)
		return func() {}
	}
	h.archives.Store(a)
	h.book.KeepIn(a)
	return func() {
		h.book.KeepIn(nil)
		a.Close()
	}
}
