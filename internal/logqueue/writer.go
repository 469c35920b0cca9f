package logqueue

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// DefaultLimit is the default size of the queue in bytes: enough for a burst, and small
	// compared with a host.
	DefaultLimit = 4 << 20

	// largestWrite limits the loss of a single failed write, unless a line is longer.
	largestWrite = 64 << 10

	// retryTime is the time after a failed write until the loss is reported again, if there is
	// nothing else to write.
	retryTime = time.Second
)

// Lost describes lines that could not be written.
type Lost struct {
	Lines int   // dropped lines
	Bytes int   // bytes of these lines
	Err   error // error of the file; nil: the file was too slow
}

func (l *Lost) add(text []byte, err error) {
	l.Lines += bytes.Count(text, []byte{'\n'})
	l.Bytes += len(text)
	if err != nil {
		l.Err = err
	}
}

func (l *Lost) merge(other Lost) {
	l.Lines += other.Lines
	l.Bytes += other.Bytes
	if other.Err != nil {
		l.Err = other.Err
	}
}

// Writer queues its input and writes it from its own goroutine. Each Write should consist of whole
// lines. Create a Writer with [New], and Close it.
type Writer struct {
	limit  int
	filled chan struct{} // has a value when the queue is not empty; closed by Close
	ended  chan struct{} // closed when no more data is written

	mu       sync.Mutex
	queue    []byte
	overflow Lost // dropped because the queue was full
	closed   bool

	// Only run and the functions that it calls use these.
	out    io.Writer
	notice func(Lost) []byte
	untold Lost // dropped and not reported yet
	torn   bool // the last line in the file has no end
}

// New returns a writer in front of out. The queue holds up to limit bytes; 0 means [DefaultLimit].
// notice returns the line that reports a loss; it is written in place of the lost lines. If notice
// is nil, losses are not reported.
func New(out io.Writer, limit int, notice func(Lost) []byte) *Writer {
	if limit == 0 {
		limit = DefaultLimit
	}
	if notice == nil {
		notice = func(Lost) []byte { return nil }
	}
	if f, ok := out.(*os.File); ok {
		out = &file{int(f.Fd()), f} // Fd makes it blocking; whether it is does not matter here
	}
	w := &Writer{limit: limit, filled: make(chan struct{}, 1), ended: make(chan struct{}), out: out, notice: notice}
	go w.run()
	return w
}

// Write queues p as a whole or drops it as a whole. It returns at once and never fails.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// After one line did not fit, no further line is queued, not even a shorter one, until the
	// queue is taken: there is a single gap.
	if w.closed || w.overflow.Bytes > 0 || len(w.queue)+len(p) > w.limit {
		w.overflow.add(p, nil)
		return len(p), nil
	}
	w.queue = append(w.queue, p...)
	select {
	case w.filled <- struct{}{}:
	default:
	}
	return len(p), nil
}

// Close waits until the queue is written, but no longer than the given time. Later input is
// dropped.
func (w *Writer) Close(within time.Duration) {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.filled)
	}
	w.mu.Unlock()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-w.ended:
	case <-timer.C:
	}
}

func (w *Writer) run() {
	defer close(w.ended)
	var spare []byte
	for open := true; open; {
		open = w.await()
		queue, overflow := w.take(spare)
		w.passAll(queue)
		w.untold.merge(overflow)
		w.report()
		spare = queue[:0]
		if cap(spare) > largestWrite {
			spare = nil // memory of a burst is not kept
		}
	}
}

// await waits for something to write. It reports false after Close.
func (w *Writer) await() (open bool) {
	if w.untold.Bytes == 0 {
		_, open = <-w.filled
		return open
	}
	timer := time.NewTimer(retryTime)
	defer timer.Stop()
	select {
	case _, open = <-w.filled:
		return open
	case <-timer.C:
		return true
	}
}

// take returns the content of the queue, and the lines that were dropped after it. The next queue
// uses the memory of spare.
func (w *Writer) take(spare []byte) ([]byte, Lost) {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue, overflow := w.queue, w.overflow
	w.queue, w.overflow = spare, Lost{}
	return queue, overflow
}

func (w *Writer) passAll(text []byte) {
	for len(text) > 0 {
		lines := wholeLines(text)
		text = text[len(lines):]
		w.report()
		if n, err := w.write(lines); err != nil {
			w.untold.add(lines[n:], err)
		}
	}
}

// report writes the notice about lost lines, if there are any. If that fails, the loss remains to
// be reported.
func (w *Writer) report() {
	if w.untold.Bytes == 0 {
		return
	}
	if _, err := w.write(w.notice(w.untold)); err == nil {
		w.untold = Lost{}
	}
}

// write writes lines. Before them, it ends a line that an earlier write left incomplete.
func (w *Writer) write(lines []byte) (int, error) {
	if w.torn {
		if _, err := w.out.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		w.torn = false
	}
	n, err := w.out.Write(lines)
	w.torn = err != nil && n > 0 && lines[n-1] != '\n'
	return n, err
}

// wholeLines returns the part of text for one write: as many lines as fit, but at least the first
// one.
func wholeLines(text []byte) []byte {
	if len(text) <= largestWrite {
		return text
	}
	if end := bytes.LastIndexByte(text[:largestWrite], '\n'); end >= 0 {
		return text[:end+1]
	}
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		return text[:end+1]
	}
	return text
}
