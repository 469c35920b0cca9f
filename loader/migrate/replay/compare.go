package replay

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// known has the facts about the old server's answers to one request.
type known struct {
	request  Request
	server   *Server
	first    Answer
	statuses []int // all that the old server has answered
	headers  map[string]*mask
	steady   map[string]bool // headers that each of its answers has
	body     *mask           // nil: the body is not text
	bodies   [][32]byte      // hashes of the bodies
	lengths  []int64
}

// newKnown begins with an answer.
func newKnown(s *Server, r Request, a Answer) *known {
	k := &known{request: r, server: s, first: a}
	k.headers, k.steady = make(map[string]*mask), make(map[string]bool)
	for name, value := range s.headers(r, a) {
		k.headers[name], k.steady[name] = newMask([]byte(value)), true
	}
	if isText(a.Body) {
		k.body = newMask(a.Body)
	}
	k.note(a)
	return k
}

// learn adds another answer.
func (k *known) learn(a Answer) {
	k.note(a)
	if a.Status != k.first.Status {
		return
	}
	headers := k.server.headers(k.request, a)
	for name, m := range k.headers {
		if value, ok := headers[name]; ok {
			m.learn([]byte(value))
		} else {
			k.steady[name] = false
		}
	}
	for name, value := range headers {
		if k.headers[name] == nil {
			k.headers[name] = newMask([]byte(value))
		}
	}
	if k.body != nil && !bytes.Equal(k.first.Body, a.Body) {
		k.body.learn(a.Body)
	}
}

func (k *known) note(a Answer) {
	if !slices.Contains(k.statuses, a.Status) {
		k.statuses = append(k.statuses, a.Status)
	}
	k.bodies, k.lengths = append(k.bodies, a.Sum), append(k.lengths, a.Length)
}

// differences returns the differences between the old server's answers and an answer of the new
// one.
func (k *known) differences(s *Server, n Answer) (found []Difference) {
	if n.Err != nil {
		d := Difference{In: InAnswer, Old: strconv.Itoa(k.first.Status), New: printable(n.Err.Error())}
		return []Difference{d}
	}
	if !slices.Contains(k.statuses, n.Status) {
		return append(found, k.statusDifference(n))
	}
	if n.Status != k.first.Status {
		return nil // a status that the old server answers now and then
	}
	found = k.headerDifferences(s, n)
	if d, ok := k.bodyDifference(n); ok {
		found = append(found, d)
	}
	return found
}

func (k *known) statusDifference(n Answer) Difference {
	d := Difference{In: InStatus, Old: status(k.first), New: status(n)}
	if n.Status >= 400 && isText(n.Body) {
		d.Before = firstLine(n.Body)
	}
	return d
}

// status is "200", or "302 to https://…".
func status(a Answer) string {
	text := strconv.Itoa(a.Status)
	if location := a.Header.Get("Location"); location != "" {
		text += " to " + printable(location)
	}
	return text
}

// firstLine returns the first informative line of a body: not the beginning of a page.
func firstLine(body []byte) string {
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '<' {
			return excerpt(string(line), 0)
		}
	}
	return ""
}

// offers are headers that only offer clients further requests: a server that adds them answers
// alike.
var offers = []string{"Accept-Ranges", "Etag", "Last-Modified"}

func (k *known) headerDifferences(s *Server, n Answer) (found []Difference) {
	headers := s.headers(k.request, n)
	names := slices.AppendSeq(slices.Collect(maps.Keys(k.headers)), maps.Keys(headers))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		m, old := k.headers[name], ""
		if m != nil {
			old = string(m.text.bytes)
		}
		value, isNew := headers[name]
		switch {
		case name == "Content-Length" && (m == nil || !isNew):
			continue // Only one of the servers knows the length before it has the body.
		case m == nil && slices.Contains(offers, name):
			continue
		case m == nil:
		case !isNew && !k.steady[name]:
			continue
		case isNew:
			if _, differs := m.compare(newText([]byte(value))); !differs {
				continue
			}
		}
		d := Difference{In: InHeader, Header: name, Old: printable(old), New: printable(value)}
		found = append(found, d)
	}
	return found
}

func (k *known) bodyDifference(n Answer) (d Difference, differs bool) {
	if k.request.Method == http.MethodHead || slices.Contains(k.bodies, n.Sum) {
		return d, false
	}
	if k.body == nil || !isText(n.Body) {
		return k.bytesDifference(n)
	}
	other := newText(n.Body)
	if h, differs := k.body.compare(other); differs {
		before, after := k.body.text.lineOf(h.a.from), other.lineOf(h.b.from)
		return Difference{
			In: InBody, Old: before.text, New: after.text,
			OldLine: before.number, NewLine: after.number, Before: before.before,
		}, true
	}
	if max(k.first.Length, n.Length) > longestBody {
		return k.bytesDifference(n)
	}
	return d, false
}

// bytesDifference compares bodies, or the rest of long ones, as a whole.
func (k *known) bytesDifference(n Answer) (d Difference, differs bool) {
	if len(slices.Compact(slices.Clone(k.bodies))) > 1 {
		return d, false // it varies in the old server's answers, too
	}
	return Difference{
		In: InBody, OldLine: 1, NewLine: 1,
		Old: fmt.Sprintf("%d bytes", k.first.Length), New: fmt.Sprintf("%d other bytes", n.Length),
	}, true
}

func isText(body []byte) bool {
	if bytes.IndexByte(body, 0) >= 0 {
		return false
	}
	// The last character may be cut in two.
	for cut := 0; cut < utf8.UTFMax && cut <= len(body); cut++ {
		if utf8.Valid(body[:len(body)-cut]) {
			return true
		}
	}
	isControl := func(r rune) bool { return r < ' ' && !strings.ContainsRune("\n\r\t\f", r) }
	return !bytes.ContainsFunc(body, isControl)
}
