package proc

import (
	"bytes"
	"cmp"
	"os"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/logbudget"
)

// quietTime is how long a stream must be silent until what was held back is passed on.
const quietTime = 200 * time.Millisecond

// cutMark ends a line that was cut.
const cutMark = " […]"

// pump reads what a process prints until the end, so that the process never waits for a reader.
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

// Printer splits what is written to it into lines as if a process had printed it, for those who
// have their output from elsewhere than a pipe. Close passes on what was held back.
type Printer struct{ lines *lines }

// NewPrinter makes a printer for a stream, such as "stderr".
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

// lines makes records of what a stream prints: one for each line, one for each traceback.
type lines struct {
	stream string
	pid    int
	emit   func(Line)
	max    int
	silent *time.Timer // runs endQuiet

	mu        sync.Mutex
	budget    logbudget.Budget
	partial   []byte // a line whose end has not come
	cut       bool   // the rest of the line is thrown away
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

// take splits data, which came now, into lines.
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

// endQuiet passes on what was held back, after a stream was silent for quietTime.
func (l *lines) endQuiet() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passOn(l.traceback.take())
	l.reportDropped()
}

// extend adds to the line whose end has not come; what is too long is cut.
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
	l.budget.Charge(len(clean) - len(text)) // escapes are longer than what they stand for
	if cut {
		clean += cutMark
	}
	l.passOn(l.traceback.add(clean))
}

// allowed reports whether one more line of so many bytes may be passed on, and reports those that
// were dropped when it may again. A traceback counts as one record; when there is no room for all
// of it, it ends with what there was.
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
