package fastcgi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/modgw/modgw/modgw/fcgi"
)

// dialled is a program whose connections open only when the test allows it.
type dialled struct {
	*program
	begun atomic.Int64  // attempts to connect
	allow chan struct{} // has an element for each attempt that may continue
	fail  atomic.Bool   // the next one fails
}

func newDialled(t *testing.T, values fcgi.Values) *dialled {
	d := &dialled{allow: make(chan struct{})}
	d.program = newProgram(func(ctx context.Context) (net.Conn, error) {
		d.begun.Add(1)
		select {
		case <-d.allow:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if d.fail.CompareAndSwap(true, false) {
			return nil, io.ErrClosedPipe
		}
		ours, theirs := net.Pipe()
		t.Cleanup(func() { theirs.Close() })
		return ours, nil
	})
	d.values = values
	t.Cleanup(d.close)
	return d
}

// openMany opens n streams at once, and calls opened with the result of each.
func (d *dialled) openMany(ctx context.Context, n int, opened func(*conn, error)) *sync.WaitGroup {
	var all sync.WaitGroup
	for range n {
		all.Go(func() { opened(d.open(ctx, newStream(slog.New(slog.DiscardHandler), nil, "", 0), true)) })
	}
	return &all
}

func TestRequestsThatComeTogetherOpenNoMoreConnectionsThanTheProgramTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDialled(t, fcgi.Values{MaxConns: 2, Mpxs: true})
		all := d.openMany(t.Context(), 40, func(_ *conn, err error) {
			if err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		close(d.allow)
		all.Wait()
		if n := d.begun.Load(); n != 2 {
			t.Errorf("%d connections were opened", n)
		}
	})
}

func TestRequestThatWaitsForAConnectionOpensItWhenAnotherOneCouldNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDialled(t, fcgi.Values{MaxConns: 1, Mpxs: true})
		d.fail.Store(true)
		var failed, served atomic.Int64
		all := d.openMany(t.Context(), 3, func(_ *conn, err error) {
			if err != nil {
				failed.Add(1)
			} else {
				served.Add(1)
			}
		})
		synctest.Wait()
		close(d.allow)
		all.Wait()
		if failed.Load() != 1 || served.Load() != 2 || d.begun.Load() != 2 {
			t.Errorf("%d failed, %d were served, %d connections", failed.Load(), served.Load(), d.begun.Load())
		}
	})
}

func TestRequestWhoseClientGoesWaitsForNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDialled(t, fcgi.Values{MaxConns: 1, Mpxs: true})
		first := d.openMany(t.Context(), 1, func(*conn, error) {})
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		second := d.openMany(ctx, 1, func(_ *conn, err error) {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		cancel()
		second.Wait()
		close(d.allow)
		first.Wait()
	})
}

func TestProgramThatTakesOneRequestOnAConnectionGetsOneForEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDialled(t, fcgi.Values{MaxConns: 2})
		close(d.allow)
		d.openMany(t.Context(), 5, func(_ *conn, err error) {
			if err != nil {
				t.Error(err)
			}
		}).Wait()
		if n := d.begun.Load(); n != 5 {
			t.Errorf("%d connections were opened", n)
		}
	})
}
