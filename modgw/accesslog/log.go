package accesslog

import (
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/logqueue"
	"github.com/modgw/modgw/modgw"
)

// closeTime is how long Close waits for unwritten lines.
const closeTime = 2 * time.Second

// Log writes a line for each request. Make it with [Open], and Close it.
type Log struct {
	format *Format
	file   *file
	queue  *logqueue.Writer
	lines  sync.Pool     // lines has buffers for single lines.
	lost   atomic.Uint64 // lines that were lost so far
}

// Open opens the file of a log: "stdout", "stderr" or a path. Lines that are lost are reported to
// log.
func Open(path string, format *Format, log *slog.Logger) (*Log, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	l := &Log{format: format, file: f, lines: sync.Pool{New: func() any { return new([]byte) }}}
	l.queue = logqueue.New(f, 0, func(lost logqueue.Lost) []byte {
		l.lost.Add(uint64(lost.Lines))
		log.Warn("lines of the access log lost", "file", path, "lines", lost.Lines, "bytes", lost.Bytes, "error", lost.Err)
		return nil
	})
	return l, nil
}

// Ended logs a request. It is for [modgw.Config].
func (l *Log) Ended(r *http.Request, info *modgw.RequestInfo, o modgw.Outcome) {
	line := l.lines.Get().(*[]byte)
	*line = l.format.appendLine((*line)[:0], &entry{request: r, info: info, outcome: o, ended: time.Now()})
	_, _ = l.queue.Write(*line) // it never fails
	l.lines.Put(line)
}

// Lost returns the number of lines that were reported as lost so far.
func (l *Log) Lost() uint64 { return l.lost.Load() }

// Reopen opens the file again at the next line, as after it was moved.
func (l *Log) Reopen() { l.file.moved.Store(true) }

// Close writes queued lines and closes the file.
func (l *Log) Close() {
	l.queue.Close(closeTime)
	if l.file.path != "" {
		_ = l.file.out.Close() // all was written, or reported
	}
}

// standard are the files that are not opened by path.
var standard = map[string]*os.File{"stdout": os.Stdout, "stderr": os.Stderr}
