package webserver

import (
	"math"
	"time"

	"github.com/modgw/modgw/modgw"
)

// leastWebSocketTimeout lets a WebSocket be silent for an hour, in seconds.
const leastWebSocketTimeout = 3600

// Timeout returns how many seconds a web server should wait for an app: longer than the host, whose
// answer explains the problem. An app without a limit for requests has a day.
func Timeout(d modgw.Descriptor) int {
	if d.Timeouts.Request == 0 {
		return int((24 * time.Hour).Seconds())
	}
	whole := d.Timeouts.Startup + d.Queue.Timeout + d.Timeouts.Request
	return int(math.Ceil(whole.Seconds())) + 5
}

// WebSocketTimeout returns Timeout for a connection that may become a WebSocket, which is silent
// for long.
func WebSocketTimeout(d modgw.Descriptor) int { return max(leastWebSocketTimeout, Timeout(d)) }
