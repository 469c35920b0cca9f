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

// share is a part of all requests in percent, where there are enough of them.
func share(part, all uint64) string {
	if all < fewest || part > all {
		return ""
	}
	return fmt.Sprintf(", %d %%", 100*part/all)
}

// clock is a time of the day.
func clock(t time.Time) string { return t.Local().Format("15:04:05") }

// roughly is a duration to the second, or to the minute for a long one.
func roughly(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min", int(d.Minutes()))
}
