package process

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// interruptTime is how long an interrupted read may take to end before it is interrupted again.
const interruptTime = 20 * time.Millisecond

var (
	errTooLarge = errors.New("it is too large")
	errHalted   = errors.New("the request is over")
)

// upload is the body of a request on its way to the program. It counts, and it is never read after the request.
type upload struct {
	client *http.ResponseController
	clock  *clock
	body   io.ReadCloser
	length int64 // -1: unknown
	limit  int64 // 0: none

	halt chan struct{} // closes when no more is to be read
	turn chan struct{} // has room for whoever uses the body and the fields below

	read int64
	err  error // why it was not read to its end; io.EOF when it was
}

func newUpload(client *http.ResponseController, r *http.Request, limit int64, c *clock) *upload {
	return &upload{
		client: client, clock: c, body: r.Body, length: r.ContentLength, limit: limit,
		halt: make(chan struct{}), turn: make(chan struct{}, 1),
	}
}

// Read implements [io.Reader].
func (u *upload) Read(p []byte) (int, error) {
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
	case <-u.halt:
		return 0, errHalted
	}
	if u.err != nil {
		return 0, u.err
	}
	u.clock.pause()
	n, err := u.body.Read(p)
	u.clock.resume()
	u.read += int64(n)
	switch {
	case u.limit > 0 && u.read > u.limit:
		err = errTooLarge
	case err == io.EOF && u.length >= 0 && u.read != u.length:
		err = io.ErrUnexpectedEOF
	case err == nil && u.read == u.length:
		err = io.EOF
	}
	u.err = err
	return n, err
}

// Close does nothing: the body is the front's, and the request may be sent again.
func (u *upload) Close() error { return nil }

// state is how much of the body was read, and with what end: io.EOF when that was all, nil when nobody knows yet.
func (u *upload) state() (read int64, err error) {
	if u == nil {
		return 0, io.EOF
	}
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
		return u.read, u.err
	default:
		return -1, nil // somebody reads
	}
}

// stop makes sure that the body is not read any more, which must not happen after a handler has returned.
func (u *upload) stop() {
	if u == nil {
		return
	}
	close(u.halt)
	again := time.NewTicker(interruptTime)
	defer again.Stop()
	for {
		select {
		case u.turn <- struct{}{}: // for good
			return
		default:
			u.interrupt()
		}
		select {
		case u.turn <- struct{}{}:
			return
		case <-again.C:
		}
	}
}

// interrupt ends reading from a client that sends nothing, if the front knows how. A front that sets deadlines of its own
// may just have replaced this one, so that it must be tried again.
func (u *upload) interrupt() {
	if u.client.SetReadDeadline(time.Unix(1, 0)) != nil {
		_ = u.body.Close()
	}
}
