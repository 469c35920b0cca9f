package mux

import (
	"strings"
	"testing"
)

func TestEventScanner(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stream string
		want   string // beginning that ends between two events
		id     string
	}{
		"nothing":                  {"", "", ""},
		"one event":                {"id: 1\ndata: x\n\n", "id: 1\ndata: x\n\n", "1"},
		"not complete":             {"id: 1\ndata: x\n\nid: 2\ndata: y\n", "id: 1\ndata: x\n\n", "1"},
		"half a line":              {"data: x\n\ndata", "data: x\n\n", ""},
		"carriage returns":         {"id: 7\r\rdata: x\r", "id: 7\r\r", "7"},
		"both":                     {"id: 7\r\ndata: x\r\n\r\ndata: y\r\n", "id: 7\r\ndata: x\r\n\r\n", "7"},
		"mixed":                    {"id:7\rdata: x\n\r\n", "id:7\rdata: x\n\r\n", "7"},
		"comments between events":  {": here\n: still here\n", ": here\n: still here\n", ""},
		"comment in an event":      {"data: x\n: here\n", "", ""},
		"half a comment":           {": he", "", ""},
		"byte order mark":          {"\ufeffid: 3\n\n", "\ufeffid: 3\n\n", "3"},
		"id without a value":       {"id: 3\n\nid\n\n", "id: 3\n\nid\n\n", ""},
		"id with NUL":              {"id: 3\n\nid: 4\x00\n\n", "id: 3\n\nid: 4\x00\n\n", "3"},
		"id of more spaces":        {"id:  3\n\n", "id:  3\n\n", " 3"},
		"id without a blank line":  {"id: 3\n\nid: 4\n", "id: 3\n\n", "3"},
		"field that is not known":  {"ids: 3\n\n", "ids: 3\n\n", ""},
		"empty lines":              {"\n\n\n", "\n\n\n", ""},
		"event without an id":      {"id: 3\n\ndata: x\n\n", "id: 3\n\ndata: x\n\n", "3"},
		"carriage return at end":   {"data: x\r\n\r", "data: x\r\n\r", ""},
		"line feed of its own end": {"data: x\r\r\ndata: y", "data: x\r\r\n", ""},
	} {
		// In one piece, in two, and byte by byte.
		for _, size := range []int{len(c.stream) + 1, len(c.stream)/2 + 1, 1} {
			var e events
			var got strings.Builder
			for rest := c.stream; rest != ""; {
				piece := rest[:min(size, len(rest))]
				rest = rest[len(piece):]
				got.Write(e.keep([]byte(piece)))
			}
			if whole := strings.TrimSuffix(c.want, "\n"); got.String() != c.want && got.String() != whole {
				t.Errorf("%s in pieces of %d: got %q", name, size, got.String())
			}
			if e.scanner.lastID != c.id {
				t.Errorf("%s in pieces of %d: id %q", name, size, e.scanner.lastID)
			}
		}
	}
}

func TestLongEventIsNotKeptBack(t *testing.T) {
	t.Parallel()
	long := "id: 1\ndata: " + strings.Repeat("x", 3*maxEvent) + "\n"
	var e events
	var got strings.Builder
	for rest := long; rest != ""; {
		piece := rest[:min(1000, len(rest))]
		rest = rest[len(piece):]
		got.Write(e.keep([]byte(piece)))
	}
	if len(got.String()) < 2*maxEvent || !strings.HasPrefix(long, got.String()) || !e.torn {
		t.Errorf("%d bytes passed on, torn: %v", got.Len(), e.torn)
	}
	got.Write(e.keep([]byte("\ndata: y\n")))
	if got.String() != long+"\n" || e.torn || e.scanner.lastID != "1" {
		t.Errorf("%d of %d bytes passed on, torn: %v, id %q", got.Len(), len(long)+1, e.torn, e.scanner.lastID)
	}
}
