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

	"github.com/modgw/modgw/cmd/modgw-host/internal/logtext"
	"github.com/modgw/modgw/internal/proc"
)

// Handler is a slog.Handler. Make it with [New].
type Handler struct {
	out   io.Writer
	plain string
	text  slog.Handler // writes to buffer
	with  []slog.Attr

	mu     *sync.Mutex // held while buffer is used
	buffer *bytes.Buffer
}

// New returns a handler that writes each record to out as a line, in one write. Package logtext
// formats the text of an entry. For records whose message is plain, the text is the attribute
// "line".
func New(out io.Writer, plain string) *Handler {
	buffer := new(bytes.Buffer)
	text := logtext.New(buffer, logtext.Options{Head: logtext.Bare, Plain: plain})
	return &Handler{out: out, plain: plain, text: text, mu: new(sync.Mutex), buffer: buffer}
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
		{"PRIORITY", strconv.Itoa(logtext.Priority(r.Level))},
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

// longestName is the longest field name that the journal allows, in bytes.
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
