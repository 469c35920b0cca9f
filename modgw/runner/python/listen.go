package python

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// exitTime is how long a process may take to end after it closed its control connection, as the kernel does early in
// the exit of every process.
const exitTime = time.Second

// lastWordTime is how long what an ended process has said may take to be heard: its own end of the connection is closed, but
// a program that it has left behind may hold another.
const lastWordTime = 500 * time.Millisecond

// workerLogged is the message of a log record that a worker made; what it says is in the attribute "text".
const workerLogged = "worker logged"

// listen takes what the worker says on its control connection, until the worker has ended.
func (w *worker) listen() {
	defer w.in.Release()
	for {
		f, err := w.in.Next()
		if err == nil {
			err = w.hear(f)
			w.in.Rest()
		}
		if err == nil {
			continue
		}
		close(w.heard)
		w.lose()
		if err == io.EOF {
			err = errors.New("it closed its connection to the host")
		}
		if _, broke := errors.AsType[*wire.ProtocolError](err); broke || w.guest != nil {
			w.damage(err)
			return
		}
		timer := time.NewTimer(exitTime)
		defer timer.Stop()
		select {
		case <-w.Done():
		case <-timer.C:
			w.damage(err)
		}
		return
	}
}

// hearOut waits until all that the worker has said was heard. Its process has ended.
func (w *worker) hearOut() {
	timer := time.NewTimer(lastWordTime)
	defer timer.Stop()
	select {
	case <-w.heard:
	case <-timer.C:
	}
}

func (w *worker) hear(f wire.Frame) error {
	if f.Stream != 0 {
		return wire.Errorf("a %s frame for stream %d on the control connection", f.Type, f.Stream)
	}
	switch f.Type {
	case wire.Ready:
		m, err := wire.DecodeReady(f.Payload)
		return w.report(loading{ready: m}, err)
	case wire.Failed:
		m, err := wire.DecodeFailed(f.Payload)
		return w.report(loading{failed: &m}, err)
	case wire.Log:
		m, err := wire.DecodeLog(f.Payload)
		if err == nil {
			w.record(m)
		}
		return err
	case wire.Event:
		if w.reported == nil {
			return wire.Errorf("a report of its modules, which nobody asked for")
		}
		m, err := zygote.DecodeReport(f.Payload)
		if err == nil {
			w.reported(m)
			w.reported = nil
		}
		return err
	case wire.Returned:
		return w.takeBack(f.Payload, f.End())
	case wire.Retire:
		w.Want(proc.Printable(string(f.Payload)))
		return nil
	}
	return wire.Errorf("a %s frame on the control connection", f.Type)
}

// report passes on how loading the app ended, which a worker says once.
func (w *worker) report(l loading, err error) error {
	if err != nil {
		return err
	}
	select {
	case w.loaded <- l:
		return nil
	default:
		return wire.Errorf("it was ready, or failed, twice")
	}
}

// levels are the levels that a worker may give to a record; others count as info.
var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "warning": slog.LevelWarn, "error": slog.LevelError,
}

// record logs what the worker wants to be logged.
func (w *worker) record(m wire.LogMessage) {
	attrs := []slog.Attr{slog.String("text", proc.Printable(m.Message))}
	if m.Request != "" {
		attrs = append(attrs, slog.String("request", proc.Printable(m.Request)))
		if m.Level == "error" {
			attrs = append(attrs, slog.String("code", relay.AppFailed.Code()))
		}
	}
	if m.File != "" {
		attrs = append(attrs, slog.String("file", proc.Printable(m.File)), slog.Int("line", m.Line))
	}
	if m.Traceback != "" {
		attrs = append(attrs, slog.String("traceback", proc.Printable(m.Traceback)))
		w.dumped(m.Message)
		if w.dev && m.Request != "" {
			w.failures.add(m.Request, trace{m.Traceback, m.Details})
		}
	}
	w.Log.LogAttrs(context.Background(), levels[m.Level], workerLogged, attrs...)
}

// stacksMessage begins the record in which a worker answers a Dump frame.
const stacksMessage = "stacks of all threads"

// dumped takes note of a record that answers a Dump frame.
func (w *worker) dumped(message string) {
	if strings.HasPrefix(message, stacksMessage) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.dumps = 0
	}
}
