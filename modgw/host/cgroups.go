package host

import (
	"context"
	"log/slog"
	"os"

	"github.com/modgw/modgw/internal/proc"
)

// warnWithoutCgroups warns when this host cannot make cgroups. Processes that an app leaves behind
// may survive it then.
func (h *Host) warnWithoutCgroups() {
	err := proc.CheckCgroups()
	if err == nil {
		return
	}
	level := slog.LevelWarn
	if os.Geteuid() != 0 {
		level = slog.LevelDebug // mostly only root can, so the warning would come each time
	}
	h.log.Log(context.Background(), level, "no cgroups: processes that an app leaves behind are found by their environment alone",
		"reason", err.Error())
}
