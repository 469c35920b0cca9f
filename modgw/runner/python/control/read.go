package control

import (
	"errors"
	"io"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/wire"
)

// lastWordTime is how long reading the rest of an ended process's output may take. A leftover child
// may hold its end of the connection open.
const lastWordTime = 500 * time.Millisecond

// Read reads the control connection until the worker has ended.
func (w *Worker) Read() {
	defer w.in.Release()
	for {
		f, err := w.in.Next()
		if err == nil {
			err = w.handle(f)
			w.in.Rest()
		}
		if err == nil {
			continue
		}
		close(w.ended)
		w.Lose()
		if err == io.EOF {
			err = errors.New("it closed its connection to the host")
		}
		if _, broke := errors.AsType[*wire.ProtocolError](err); broke || w.Attached {
			w.Fail(err)
			return
		}
		timer := time.NewTimer(ExitTime)
		defer timer.Stop()
		select {
		case <-w.Done():
		case <-timer.C:
			w.Fail(err)
		}
		return
	}
}

// AwaitLastWords waits until everything was read that an ended process has sent.
func (w *Worker) AwaitLastWords() {
	timer := time.NewTimer(lastWordTime)
	defer timer.Stop()
	select {
	case <-w.ended:
	case <-timer.C:
	}
}

// handle handles a frame. An error costs the worker its life.
func (w *Worker) handle(f wire.Frame) error {
	if f.Stream != 0 {
		return wire.Errorf("a %s frame for stream %d on the control connection", f.Type, f.Stream)
	}
	switch f.Type {
	case wire.Ready:
		m, err := wire.DecodeReady(f.Payload)
		return w.finishLoading(Loading{Ready: m}, err)
	case wire.Failed:
		m, err := wire.DecodeFailed(f.Payload)
		return w.finishLoading(Loading{Failed: &m}, err)
	case wire.Log:
		m, err := wire.DecodeLog(f.Payload)
		if err == nil {
			w.log(m)
		}
		return err
	case wire.Event:
		report := w.Report
		if w.Report = nil; report == nil {
			return wire.Errorf("a report of its modules, which it was not asked for")
		}
		return report(f.Payload)
	case wire.Locate:
		places, err := wire.DecodePlaces(f.Payload)
		if err != nil {
			return err
		}
		return w.noteAnswerTo(f.Type, places)
	case wire.Collect:
		return w.noteAnswerTo(f.Type, nil)
	case wire.Unqueued:
		return w.Connections.Requeue(f.Payload, f.End())
	case wire.Join:
		return w.Connections.Join(f.Payload, f.End())
	case wire.Retire:
		w.Want(proc.Printable(string(f.Payload)))
		return nil
	}
	return wire.Errorf("a %s frame on the control connection", f.Type)
}

// finishLoading passes on the result of loading the app, which a worker reports once.
func (w *Worker) finishLoading(l Loading, err error) error {
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
