package main

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/modgw/modgw/cmd/modgw-host/internal/journal"
	"github.com/modgw/modgw/internal/logqueue"
)

// logFlushTime is how long a command that ran a host waits for a slow reader of the log to read its
// end.
const logFlushTime = time.Second

// hosting calls run, which runs a host, with a console whose stderr never blocks it and never ends
// it: a full pipe, a closed reader and a full disk only lose lines of the log, which are counted.
func hosting(c console, logFormat string, run func(console) error) error {
	// Without this, a library that writes to the closed pipe by itself would end the process.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)
	file, out := c.stderrFile(), c.stderr
	if socket := c.journalSocket(logFormat, journal.Path); socket != nil {
		defer socket.Close()
		c.entries, out = true, socket
	}
	queue := logqueue.New(out, 0, func(l logqueue.Lost) []byte { return c.lostLines(logFormat, l) })
	defer queue.Close(logFlushTime)
	log.SetOutput(queue)
	c.stderr = queued{queue, file}
	if err := run(c); err != nil {
		return exitCode(c.report(err))
	}
	return nil
}

// journalSocket connects to systemd's journal, for a log whose records are to be entries with
// fields; nil: stderr does not lead into the journal, or the journal does not listen at the path.
// Then lines of text go to stderr.
func (c console) journalSocket(logFormat, path string) *journal.Socket {
	if logFormat != "text" || !c.intoJournal() {
		return nil
	}
	socket, err := journal.Dial(path)
	if err != nil {
		return nil // the journal of another system, as in a container
	}
	return socket
}

// queued is a stderr that does not make its writers wait.
type queued struct {
	*logqueue.Writer
	file *os.File // behind it; nil when it is no file
}

// stderrFile is the file that stderr leads to; nil when it leads to none.
func (c console) stderrFile() *os.File {
	switch out := c.stderr.(type) {
	case *os.File:
		return out
	case queued:
		return out.file
	}
	return nil
}

// lostLines is the record that reports a gap in the log.
func (c console) lostLines(format string, l logqueue.Lost) []byte {
	reason := "it was not read fast enough"
	if l.Err != nil {
		reason = l.Err.Error()
	}
	record := slog.NewRecord(time.Now(), slog.LevelWarn, "lines of the log lost", 0)
	record.Add("lines", l.Lines, "bytes", l.Bytes, "reason", reason)
	var text bytes.Buffer
	if handler, err := c.logHandler(format, &text); err == nil {
		_ = handler.Handle(context.Background(), record) // a buffer takes everything
	}
	return text.Bytes()
}
