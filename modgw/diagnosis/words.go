package diagnosis

import (
	"fmt"
	"time"
)

func requests(n uint64) string {
	if n == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", n)
}

func waiting(n int) string {
	if n == 1 {
		return "1 request waits"
	}
	return fmt.Sprintf("%d requests wait", n)
}

// share describes a part of all requests in percent, or returns "" if there are too few requests.
func share(part, all uint64) string {
	if all < fewest || part > all {
		return ""
	}
	return fmt.Sprintf(", %d %%", 100*part/all)
}

// clock formats a time of the day.
func clock(t time.Time) string { return t.Local().Format("15:04:05") }

// roughly formats a duration in seconds, or in minutes if it is long.
func roughly(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min", int(d.Minutes()))
}
