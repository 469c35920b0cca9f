package main

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notify sends systemd the state of the host (sd_notify(3)). Without systemd it does nothing.
func notify(state string) {
	// A state that systemd does not get is no reason to stop serving.
	_, _ = daemon.SdNotify(false, state)
}

// feedWatchdog sends systemd a sign of life twice in each WatchdogSec (sd_watchdog_enabled(3)),
// until ctx is done. It calls probe before each message: a host that hangs there is restarted. It
// returns at once if the unit has no watchdog.
func feedWatchdog(ctx context.Context, probe func()) {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil || limit <= 0 {
		return
	}
	ticker := time.NewTicker(limit / 2)
	defer ticker.Stop()
	for {
		probe()
		notify(daemon.SdNotifyWatchdog)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
