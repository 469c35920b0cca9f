package python

import (
	"errors"
	"fmt"
	"time"

	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// sweep reads what a worker still sends on a stream that nobody wants any more, until the worker closes it; only then
// does the lane go back, so that no late answer can reach another request.
func (r *Runner) sweep(s *stream, f *feeder, request workers.Request) {
	for !s.closed {
		frame, err := s.next()
		switch {
		case err == nil:
			err = s.discard(frame)
		case errors.Is(err, errOverdue):
			r.tookTooLong(s.lane.worker, request.ID)
			s.resume(true)
			continue
		case isStirred(err): // by what was on its way when the stream was given up
			s.resume(false)
			continue
		}
		if err != nil {
			if !errors.Is(err, errReturned) {
				r.suspect(s.lane.worker, err)
				if s.first {
					s.lane.worker.CrashedWith(request)
				}
			}
			break
		}
	}
	if s.closed {
		s.lane.worker.Finished()
	}
	r.release(s, f)
}

// discard takes what belongs to a frame besides its payload.
func (s *stream) discard(f wire.Frame) error {
	switch f.Type {
	case wire.Response:
		_, _, err := s.split(f)
		return err
	case wire.File:
		file, err := s.lane.in.Descriptor()
		if err != nil {
			return err
		}
		return file.Close()
	}
	return nil
}

// release takes a stream off its lane of which nothing is read any more.
func (r *Runner) release(s *stream, f *feeder) {
	if f != nil {
		<-f.done
	}
	s.leave()
	if s.closed && s.stray != nil {
		r.suspect(s.lane.worker, s.stray)
	}
}

// suspect notes that the connections of a worker do not work any more. One that broke a rule is ended at once; another
// one is probably ending by itself, and keeps its own reason for it.
func (r *Runner) suspect(w *worker, err error) {
	w.lose()
	if _, broke := errors.AsType[*wire.ProtocolError](err); broke || errors.Is(err, errLaneSpent) {
		w.damage(err)
		return
	}
	r.Background(func() {
		timer := time.NewTimer(exitTime)
		defer timer.Stop()
		select {
		case <-w.Done():
		case <-timer.C:
			w.damage(fmt.Errorf("a connection to it broke: %w", err))
		}
	})
}

// tookTooLong has a worker replaced in which a request took longer than it may, and its stacks logged.
func (r *Runner) tookTooLong(w *worker, request string) {
	limit := r.config.Descriptor.Timeouts.Request
	reason := fmt.Sprintf("request %q took longer than %s", request, limit)
	w.askForStacks(reason)
	w.Want(reason)
}
