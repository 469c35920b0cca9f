package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/modgw/modgw/internal/proc"
)

// Config is what a Handler is made from.
type Config struct {
	Out io.Writer // gets a line for each record, in one write

	// Text makes the handler that writes the texts of entries, as people see them.
	Text func(io.Writer) slog.Handler

	// Plain are messages of which the attribute "line" is the text alone.
	Plain string
}

// Handler is a slog.Handler. Make it with [New].
type Handler struct {
	out   io.Writer
	plain string
	text  slog.Handler // writes to buffer
	with  []slog.Attr

	mu     *sync.Mutex // held while buffer is used
	buffer *bytes.Buffer
}

// New makes a handler.
func New(c Config) *Handler {
	buffer := new(bytes.Buffer)
	return &Handler{out: c.Out, plain: c.Plain, text: c.Text(buffer), mu: new(sync.Mutex), buffer: buffer}
}

// Enabled implements [slog.Handler].
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.text.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buffer.Reset()
	if err := h.text.Handle(ctx, r); err != nil {
		return err
	}
	e := entry{
		{"MESSAGE", strings.TrimRight(h.buffer.String(), "\n")},
		{"PRIORITY", strconv.Itoa(priority(r.Level))},
		{"SYSLOG_IDENTIFIER", identifier},
		{"MODGW_EVENT", r.Message},
	}
	add := func(a slog.Attr) bool {
		if r.Message != h.plain || a.Key != "line" {
			e = append(e, field{nameOf(a.Key), proc.Printable(a.Value.Resolve().String())})
		}
		return true
	}
	for _, a := range h.with {
		add(a)
	}
	r.Attrs(add)
	_, err := h.out.Write(e.line())
	return err
}

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.text = h.text.WithAttrs(attrs)
	c.with = append(h.with[:len(h.with):len(h.with)], attrs...)
	return &c
}

// WithGroup implements [slog.Handler]; groups are not shown.
func (h *Handler) WithGroup(string) slog.Handler { return h }

// identifier is the name by which journalctl shows the sender.
const identifier = "modgw-host"

// priority is the level as syslog(3) counts it.
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}

// longestName is how many bytes the journal allows the name of a field.
const longestName = 64

// nameOf is the field of an attribute, such as MODGW_APP.
func nameOf(key string) string {
	name := "MODGW_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, key)
	return name[:min(len(name), longestName)]
}

// field is the name of a field, and its value.
type field [2]string

// entry has the fields of an entry of the journal.
type entry []field

// mark begins a line with an entry. Other lines are texts: of libraries, and of errors at the end.
const mark = '\x1e'

// line is the entry in one line, for a queue.
func (e entry) line() []byte {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings can always be written
	}
	return append(append([]byte{mark}, text...), '\n')
}

// parseLine reads the entry of a line without its end; nil: the line is empty.
func parseLine(line []byte) entry {
	var e entry
	if len(line) > 0 && line[0] == mark && json.Unmarshal(line[1:], &e) == nil {
		return e
	}
	if text := strings.TrimSpace(string(line)); text != "" {
		return entry{{"MESSAGE", text}, {"PRIORITY", "6"}, {"SYSLOG_IDENTIFIER", identifier}}
	}
	return nil
}
