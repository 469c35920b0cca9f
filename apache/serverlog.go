package apache

import (
	"context"
	"log/slog"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/proc"
)

// line forwards one line of Apache's log.
func (s *Server) line(l proc.Line) {
	if l.Dropped > 0 {
		s.log.Warn("apache lines dropped", "count", l.Dropped)
		return
	}
	module, level, text := parseLine(l.Text)
	s.tail.Add(text)
	attributes := []any{"line", text}
	if module != "" {
		attributes = append(attributes, "module", module)
	}
	s.log.Log(context.Background(), level, "apache output", attributes...)
	if unreachable.MatchString(text) {
		s.warnUnreachable()
	}
}

// unreachable matches Apache's messages about a host that it cannot connect to. It answers 503
// then.
var unreachable = lazyregexp.New(`AH02454|AH00957|AH01079`)

// parseLine takes a line of our ErrorLogFormat apart: "[proxy_fcgi:error] AH01071: …". Other lines
// are printed before Apache has its log, and report errors.
func parseLine(text string) (module string, level slog.Level, rest string) {
	head, rest, ok := strings.Cut(text, "] ")
	module, name, found := strings.Cut(strings.TrimPrefix(head, "["), ":")
	if !ok || !found || !strings.HasPrefix(head, "[") {
		return "", slog.LevelWarn, text
	}
	switch name {
	case "emerg", "alert", "crit", "error":
		return module, slog.LevelError, rest
	case "warn":
		return module, slog.LevelWarn, rest
	case "notice", "info":
		return module, slog.LevelInfo, rest
	}
	return module, slog.LevelDebug, rest
}
