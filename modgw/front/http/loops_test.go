package http

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/looptest"
	"github.com/modgw/modgw/modgw"
)

// loopRunner serves an app on its own loop, and fails the test if a request is served elsewhere.
type loopRunner struct {
	looptest.Handler
	config modgw.RunnerConfig
}

func (r *loopRunner) Start(context.Context) error { return nil }
func (r *loopRunner) Stop(context.Context)        {}
func (r *loopRunner) Status() modgw.RunnerStatus  { return modgw.RunnerStatus{} }
func (r *loopRunner) Loop() *eventloop.Loop       { return r.config.Loop }
func (r *loopRunner) answer(x modgw.LoopExchange) {
	body := fmt.Sprint(r.config.Descriptor.Name, " ", x.Loop() == r.config.Loop)
	x.Header()["Content-Length"] = []string{fmt.Sprint(len(body))}
	x.Respond(http.StatusOK, []byte(body))
}

// serveApps serves the apps a and b, each on its own loop, where no connection begins.
func serveApps(t *testing.T) (addr string) {
	loops := []*eventloop.Loop{looptest.NewLoop(t), looptest.NewLoop(t), looptest.NewLoop(t)}
	home := map[modgw.AppName]*eventloop.Loop{"a": loops[1], "b": loops[2]}
	g := modgw.New(modgw.Config{Runners: map[modgw.Kind]modgw.NewRunner{
		modgw.KindWSGI: func(c modgw.RunnerConfig) (modgw.Runner, error) {
			c.Loop = home[c.Descriptor.Name]
			r := &loopRunner{config: c}
			r.Answer = r.answer
			r.Handler.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				t.Error("a request has left its loop")
			})
			return r, nil
		},
	}})
	for name := range home {
		err := g.Deploy(t.Context(), modgw.Descriptor{
			Name: name, Mount: modgw.MountPath("/" + name), Kind: modgw.KindWSGI, WSGI: &modgw.WSGI{Entry: "app.py"},
			Timeouts: modgw.Timeouts{Startup: time.Minute, Drain: time.Minute, Stop: time.Minute},
		}, "test")
		if err != nil {
			t.Fatal(err)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- New(Config{Handler: g, Loops: loops, Log: slog.New(slog.DiscardHandler)}).Serve(ctx, ln)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		g.Close(context.Background())
		looptest.Close(loops)
	})
	return ln.Addr().String()
}

func TestConnectionMovesToTheLoopOfTheAppThatItAsksFor(t *testing.T) {
	addr := serveApps(t)
	var clients sync.WaitGroup
	for range 6 {
		c := dialTalk(t, addr)
		clients.Go(func() {
			for range 50 {
				for _, app := range []string{"a", "b", "b"} { // some of them come together
					io.WriteString(c, "GET /"+app+" HTTP/1.1\r\nHost: x\r\n\r\n")
				}
				for _, app := range []string{"a", "b", "b"} {
					if _, body := c.read("GET"); body != app+" true" {
						t.Errorf("%s answers %q", app, body)
						return
					}
				}
			}
		})
	}
	clients.Wait()
}
