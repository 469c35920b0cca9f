package modgw

import (
	"strings"
	"time"
)

// longestFront is the longest plausible time of a request in the web server in front. A longer time
// is due to another clock.
const longestFront = time.Hour

// RequestStart returns the time when a web server in front received a request, from its header
// X-Request-Start: "t=" and microseconds from Apache, seconds with a fraction from nginx,
// milliseconds from others. Zero: the header is implausible for a request received at that time.
func RequestStart(header string, received time.Time) time.Time {
	text := strings.TrimPrefix(header, "t=")
	whole, fraction, _ := strings.Cut(text, ".")
	n, ok := parseDigits(whole)
	if !ok {
		return time.Time{}
	}
	unit := time.Second
	switch {
	case n >= 1e17:
		unit = time.Nanosecond
	case n >= 1e14:
		unit = time.Microsecond
	case n >= 1e11:
		unit = time.Millisecond
	case n >= 1e10: // seconds in the 24th century
		return time.Time{}
	}
	nanoseconds := n * int64(unit)
	for i := 0; i < len(fraction) && unit > 1; i++ {
		digit := int64(fraction[i]) - '0'
		if digit < 0 || digit > 9 {
			return time.Time{}
		}
		unit /= 10
		nanoseconds += digit * int64(unit)
	}
	start := time.Unix(0, nanoseconds)
	if front := received.Sub(start); front < 0 || front > longestFront {
		return time.Time{}
	}
	return start
}

// parseDigits reads a number of digits that an int64 can hold.
func parseDigits(s string) (n int64, ok bool) {
	if s == "" || len(s) > 19 {
		return 0, false
	}
	for i := range len(s) {
		digit := int64(s[i]) - '0'
		if digit < 0 || digit > 9 || n > (1<<63-1-digit)/10 {
			return 0, false
		}
		n = n*10 + digit
	}
	return n, true
}
