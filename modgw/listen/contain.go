package listen

import (
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"

	"github.com/modgw/modgw/modgw"
)

// Contain closes a connection whose goroutine has panicked, and logs the panic: input from one
// client must not end the process that serves the others. It must be deferred directly.
func Contain(conn net.Conn, log *slog.Logger) {
	value := recover()
	if value == nil {
		return
	}
	conn.Close()
	LogPanic(value, conn.RemoteAddr(), log)
}

// LogPanic logs that the code of a connection has panicked with a value.
func LogPanic(value any, peer net.Addr, log *slog.Logger) {
	f := modgw.Fault{
		Code:    "MGW-HST-025",
		Summary: fmt.Sprintf("cannot go on with a connection: its code panicked: %v", value),
	}
	log.Error("connection panicked", "code", f.Code, "error", f.Summary, "peer", peer, "stack", string(debug.Stack()))
}
