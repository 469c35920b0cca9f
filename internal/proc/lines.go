package proc

import (
	"bytes"
	"cmp"
	"os"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/logbudget"
)

// quietTime is the silence on a stream after which a held back traceback is passed on.
const quietTime = 200 * time.Millisecond

// cutMark ends a line that was cut.
const cutMark = " […]"

// pump reads the output of a process until its end, so that the process never waits for a reader.
func pump(r *os.File, stream string, pid int, output Output) {
	l := newLines(stream, pid, output)
	buf := make([]byte, 16<<10)
	for {
		n, err := r.Read(buf)
		if output.Raw != nil && n > 0 && stream == "stdout" {
			output.Raw(buf[:n])
		}
		l.take(buf[:n], time.Now())
		if err != nil {
			l.end()
			return
		}
	}
}

// Printer splits its input into lines like the output of a process, for output that does not arrive
// through a pipe. Close passes on the rest.
type Printer struct{ lines *lines }

// NewPrinter returns a printer for a stream, such as "stderr".
func NewPrinter(stream string, output Output) Printer { return Printer{newLines(stream, 0, output)} }

// Write never fails.
func (p Printer) Write(data []byte) (int, error) {
	p.lines.take(data, time.Now())
	return len(data), nil
}

// Close implements [io.Closer].
func (p Printer) Close() error {
	p.lines.end()
	return nil
}

// lines divides a stream into records: one for each line, and one for each traceback.
type lines struct {
	stream string
	pid    int
	emit   func(Line)
	max    int
	silent *time.Timer // runs endQuiet

	mu        sync.Mutex
	budget    logbudget.Budget
	partial   []byte // a line whose end has not come
	cut       bool   // the rest of the line is discarded
	traceback traceback
}

func newLines(stream string, pid int, output Output) *lines {
	l := &lines{
		stream: stream,
		pid:    pid,
		emit:   output.Line,
		max:    cmp.Or(output.MaxLine, defaultMaxLine),
		budget: logbudget.New(logbudget.Limit{
			Records: cmp.Or(output.PerSecond, defaultPerSecond),
			Bytes:   cmp.Or(output.BytesPerSecond, defaultBytesPerSecond),
			Per:     time.Second,
		}),
	}
	if l.emit == nil {
		l.emit = func(Line) {}
	}
	l.silent = time.AfterFunc(quietTime, l.endQuiet)
	l.silent.Stop()
	return l
}

// take splits newly arrived data into lines.
func (l *lines) take(data []byte, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(data) > 0 {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		data = rest
		l.extend(line)
		if whole {
			l.endLine(now)
		}
	}
	if l.traceback.open() || l.budget.Dropping() {
		l.silent.Reset(quietTime)
	}
}

// end passes on everything that was held back; the stream has ended.
func (l *lines) end() {
	l.silent.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.partial) > 0 {
		l.endLine(time.Now())
	}
	l.passOn(l.traceback.take())
	l.reportDropped()
}

// endQuiet passes on the held back traceback after a stream was silent for quietTime.
func (l *lines) endQuiet() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passOn(l.traceback.take())
	l.reportDropped()
}

// extend adds a piece to the incomplete line, and cuts the line if it becomes too long.
func (l *lines) extend(piece []byte) {
	if l.cut {
		return
	}
	if room := l.max - len(l.partial); len(piece) > room {
		piece, l.cut = piece[:room], true
	}
	l.partial = append(l.partial, piece...)
}

func (l *lines) endLine(now time.Time) {
	text, cut := bytes.TrimSuffix(l.partial, []byte{'\r'}), l.cut
	l.partial, l.cut = l.partial[:0], false
	if !l.allowed(now, len(text)) {
		return
	}
	clean := printable(text)
	l.budget.Charge(len(clean) - len(text)) // escapes are longer than their characters
	if cut {
		clean += cutMark
	}
	l.passOn(l.traceback.add(clean))
}

// allowed reports whether another line of this length may be passed on, and reports dropped lines
// when lines may pass again. A traceback counts as one record; if the budget does not cover all of
// it, the traceback is cut.
func (l *lines) allowed(now time.Time, bytes int) bool {
	if l.traceback.open() {
		if l.budget.Extend(now, bytes) {
			return true
		}
		l.traceback.text.WriteString(cutMark)
		l.passOn(l.traceback.take())
		return false
	}
	if !l.budget.Spend(now, bytes) {
		return false
	}
	l.reportDropped()
	return true
}

func (l *lines) passOn(records []string) {
	for _, record := range records {
		l.emit(Line{Stream: l.stream, PID: l.pid, Text: record})
	}
}

func (l *lines) reportDropped() {
	if dropped := l.budget.TakeDropped(); dropped.Records > 0 {
		l.emit(Line{Stream: l.stream, PID: l.pid, Dropped: dropped.Records, DroppedBytes: dropped.Bytes})
	}
}
