package host

import (
	"context"
	"log/slog"
	"os"

	"github.com/modgw/modgw/internal/proc"
)

// reportScopes warns when this host can make no cgroups, so that a process which an app leaves behind can hide from it.
func (h *Host) reportScopes() {
	err := proc.ScopesAreMarks()
	if err == nil {
		return
	}
	level := slog.LevelWarn
	if os.Geteuid() != 0 {
		level = slog.LevelDebug // only root can, as a rule, and nobody would read it each time
	}
	h.log.Log(context.Background(), level, "no cgroups: processes that an app leaves behind are found by their environment alone",
		"reason", err.Error())
}
