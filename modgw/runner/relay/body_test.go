package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

// uploaded returns a request with a body. The client announces its length unless length is -1.
func uploaded(t *testing.T, in io.Reader, length int64, change ...func(*modgw.RunnerConfig)) *Request {
	t.Helper()
	c := &modgw.RunnerConfig{Spool: spool.New(spool.Config{Memory: 1 << 30}).Account(1 << 30)}
	c.Descriptor.Spool.Upload = 100 << 10
	for _, f := range change {
		f(c)
	}
	r := httptest.NewRequest("POST", "/", io.NopCloser(in))
	r.ContentLength = length
	return New(&front{ResponseRecorder: httptest.NewRecorder()}, r, c)
}

// front is a response whose front can send it before the request was read, and can end reading.
type front struct {
	*httptest.ResponseRecorder
	interrupt func() // nil: it cannot
	duplex    bool
}

func (f *front) EnableFullDuplex() error { f.duplex = true; return nil }

func (f *front) SetReadDeadline(time.Time) error {
	if f.interrupt == nil {
		return http.ErrNotSupported
	}
	f.interrupt()
	return nil
}

func limited(limit int64) func(*modgw.RunnerConfig) {
	return func(c *modgw.RunnerConfig) { c.Descriptor.Limits.Body = limit }
}

func unspooled(c *modgw.RunnerConfig) { c.Spool = nil }

func TestBodyIsAsLongAsItShouldBe(t *testing.T) {
	const size = 300 << 10
	whole := strings.Repeat("0123456789", size/10)
	for name, c := range map[string]struct {
		sent   string
		length int64
		change []func(*modgw.RunnerConfig)
		want   Outcome
		told   int64 // to the program
	}{
		"known":                       {whole, size, nil, Complete, size},
		"unknown":                     {whole, -1, nil, Complete, size},
		"known, nothing kept":         {whole, size, []func(*modgw.RunnerConfig){unspooled}, Complete, size},
		"unknown, nothing kept":       {whole, -1, []func(*modgw.RunnerConfig){unspooled}, LengthRequired, 0},
		"unknown and small":           {"small", -1, []func(*modgw.RunnerConfig){unspooled}, Complete, 5},
		"exactly what may be":         {whole, size, []func(*modgw.RunnerConfig){limited(size)}, Complete, size},
		"too large by its length":     {"", size, []func(*modgw.RunnerConfig){limited(size - 1)}, BodyTooLarge, 0},
		"too large in pieces":         {whole, -1, []func(*modgw.RunnerConfig){limited(size - 1)}, BodyTooLarge, 0},
		"exactly what may be, pieces": {whole, -1, []func(*modgw.RunnerConfig){limited(size)}, Complete, size},
		"ends early":                  {"short", 10, nil, BodyIncomplete, 0},
		"ends late":                   {whole[:size-1], size, nil, BodyIncomplete, size},
		"none":                        {"", 0, nil, Complete, -1},
	} {
		t.Run(name, func(t *testing.T) {
			r := uploaded(t, iotest.HalfReader(strings.NewReader(c.sent)), c.length, c.change...)
			err := r.Open(KeepLength)
			var got sink
			if err == nil {
				if r.Body.Length != c.told {
					t.Errorf("the program is told %d bytes, want %d", r.Body.Length, c.told)
				}
				f := Feed(r.Body, &got, &Clock{})
				<-f.Done()
				if err = got.failed; f.Sent() != (err == nil) {
					t.Errorf("sent: %v, with %v", f.Sent(), err)
				}
			}
			if outcome := OutcomeOf(err); outcome != c.want {
				t.Errorf("outcome %d, want %d: %v", outcome, c.want, err)
			}
			if c.want == Complete && (got.text.String() != c.sent || !got.ended) {
				t.Errorf("the program got %d bytes, ended: %v", got.text.Len(), got.ended)
			}
			r.Body.Release()
		})
	}
}

// sink is a program that receives a body.
type sink struct {
	text   strings.Builder
	ended  bool
	failed error
	refuse error // Send returns it
}

func (s *sink) Send(p []byte) error { s.text.Write(p); return s.refuse }
func (s *sink) End() error          { s.ended = true; return nil }
func (s *sink) Fail(err error)      { s.failed = err }

func TestBodyThatIsNotKeptSaysWhy(t *testing.T) {
	full := func(c *modgw.RunnerConfig) { c.Spool = spool.New(spool.Config{Memory: 1 << 30}).Account(1 << 10) }
	noFile := func(c *modgw.RunnerConfig) {
		c.Spool = spool.New(spool.Config{Dir: "/nowhere", Disk: 1 << 30}).Account(1 << 30)
	}
	for want, change := range map[Outcome]func(*modgw.RunnerConfig){BodyNotKept: full, BodyNotStored: noFile} {
		r := uploaded(t, strings.NewReader(strings.Repeat("x", 300<<10)), 300<<10, change)
		if err := r.Open(KeepLength); OutcomeOf(err) != want {
			t.Errorf("got %v, want outcome %d", err, want)
		}
	}
}

func TestBodyCanBeSentAgainUntilMoreOfItMayHaveBeenRead(t *testing.T) {
	const large = 300 << 10
	for name, c := range map[string]struct {
		size int64
		feed bool
		want bool
	}{
		"small": {10, true, true}, "large": {large, false, true}, "large, begun": {large, true, false}, "none": {0, false, true},
	} {
		r := uploaded(t, strings.NewReader(strings.Repeat("x", int(c.size))), c.size)
		if err := r.Open(KeepLength); err != nil {
			t.Fatal(err)
		}
		if c.feed {
			<-Feed(r.Body, &sink{}, &Clock{}).Done()
		}
		if got := r.Body.repeatable(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestConnectionIsAnnouncedToCloseWhileABodyIsInIt(t *testing.T) {
	in, client := io.Pipe()
	r := uploaded(t, in, 10)
	if err := r.Open(KeepNothing); err != nil {
		t.Fatal(err)
	}
	announced := func() string {
		header := http.Header{}
		r.Body.announce(header)
		return header.Get("Connection")
	}
	if got := announced(); got != "" {
		t.Errorf("before anybody streams it: %q", got)
	}
	r.Body.Stream(&Clock{})
	if got := announced(); got != "close" {
		t.Errorf("before its end: %q", got)
	}
	go func() { _, _ = client.Write(make([]byte, 10)) }()
	if n, err := io.Copy(io.Discard, r.Body); n != 10 || err != nil {
		t.Error(n, err)
	}
	if got := announced(); got != "" {
		t.Errorf("after its end: %q", got)
	}
}

// A handler must not let its request's body be read after it has returned.
func TestStoppedBodyIsNotReadAnyMore(t *testing.T) {
	for name, interruptible := range map[string]bool{"front with deadlines": true, "front without": false} {
		t.Run(name, func(t *testing.T) {
			in, client := io.Pipe()
			r := uploaded(t, in, 10)
			if interruptible {
				r.W.(*front).interrupt = func() { client.CloseWithError(errors.New("its time is up")) }
			}
			r.R.Body = in
			if err := r.Open(KeepNothing); err != nil {
				t.Fatal(err)
			}
			var got sink
			f := Feed(r.Body, &got, &Clock{})
			if _, err := client.Write([]byte("abc")); err != nil {
				t.Fatal(err)
			}
			r.Body.Stop()
			<-f.Done()
			if got.text.String() != "abc" || got.failed != nil || got.ended || f.Sent() {
				t.Errorf("the program got %q, %v, ended: %v", got.text.String(), got.failed, got.ended)
			}
			if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != context.Canceled {
				t.Errorf("then read %d, %v", n, err)
			}
			r.Body.Stop() // again
		})
	}
}

func TestWaitingForTheClientTakesNoTimeOfTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, client := io.Pipe()
		r := uploaded(t, in, 10)
		if err := r.Open(KeepNothing); err != nil {
			t.Fatal(err)
		}
		p := NewPipe(5 * time.Second)
		f := Feed(r.Body, &sink{}, &p.Clock)
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := p.Read(make([]byte, 1)); err != ErrOverdue {
				t.Error(err)
			}
		})
		time.Sleep(time.Minute)
		if _, err := client.Write(make([]byte, 10)); err != nil {
			t.Error(err)
		}
		begun := time.Now()
		wait.Wait()
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("the program had %s", took)
		}
		<-f.Done()
	})
}

func TestFeederEndsWhenTheProgramTakesNoMore(t *testing.T) {
	r := uploaded(t, strings.NewReader(strings.Repeat("x", 300<<10)), 300<<10)
	if err := r.Open(KeepLength); err != nil {
		t.Fatal(err)
	}
	got := sink{refuse: io.ErrClosedPipe}
	f := Feed(r.Body, &got, &Clock{})
	<-f.Done()
	if f.Sent() || got.ended || got.failed != nil || got.text.Len() != AheadSize {
		t.Errorf("sent: %v, ended: %v, failed: %v, %d bytes", f.Sent(), got.ended, got.failed, got.text.Len())
	}
}
