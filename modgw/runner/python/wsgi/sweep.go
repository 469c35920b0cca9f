package wsgi

import (
	"context"
	"errors"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// sweep drops a worker's frames on an abandoned stream, until the worker closes it. Only then is
// the connection released, so that no late answer can reach another request. fed is as in
// [stream.release].
func (s *stream) sweep(limits modgw.Timeouts, fed <-chan struct{}, request workers.Request) {
	w := s.conn.worker
	for s.progress < closed {
		f, err := s.Next()
		switch {
		case err == nil:
			err = s.discard(f)
		case errors.Is(err, relay.ErrOverdue):
			s.timeUp(request.ID, limits)
			continue
		case isWithdrawn(err): // before the stream was abandoned
			s.resume()
			continue
		}
		if err != nil {
			if !errors.Is(err, relay.ErrRequeued) {
				w.Suspect(err)
				if s.first {
					w.CrashedWith(request)
				}
			}
			break
		}
	}
	if s.progress == closed {
		w.Finished()
	}
	s.giveUp(fed)
}

// discard frees the resources of a frame other than its payload.
func (s *stream) discard(f wire.Frame) error {
	switch f.Type {
	case wire.Response:
		_, _, err := s.Split(f)
		return err
	case wire.File:
		file, err := s.File()
		if err != nil {
			return err
		}
		return file.Close()
	}
	return nil
}

// giveUp releases the connection of a stream that is not read any more. fed closes when the feeder
// of the body has ended; nil: there is none.
func (s *stream) giveUp(fed <-chan struct{}) {
	if fed != nil {
		<-fed
	}
	s.leave()
	if s.progress == closed && s.stray != nil {
		s.conn.worker.Suspect(s.stray)
	}
}

// isWithdrawn reports whether an error of Next means that the response is not wanted, and is no
// error of the worker.
func isWithdrawn(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, relay.ErrReplaced) || errors.Is(err, queue.ErrTimeout)
}
