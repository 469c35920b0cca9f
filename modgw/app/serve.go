package app

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/fcgi"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const (
	// drainTime is how long requests may take after the program was told to end.
	drainTime = 30 * time.Second

	// headerTime is how long a client may take for the head of a request.
	headerTime = 10 * time.Second
)

// Serve serves requests with h, in the way described in the package's documentation, until the
// program receives SIGTERM or SIGINT. Then it accepts no more requests, waits at most 30 seconds
// for those in flight, and returns nil. Under CGI it returns after its one request. If h is nil,
// [http.DefaultServeMux] is used.
func Serve(h http.Handler) error {
	if h == nil {
		h = http.DefaultServeMux
	}
	if os.Getenv("GATEWAY_INTERFACE") != "" {
		return cgi.Serve(mounted(h, cgiMount()))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	l, hosted, err := inherited()
	switch {
	case err != nil:
		return err
	case hosted:
		return serveHTTP(ctx, l, believing(h))
	case l != nil:
		return serveHTTP(ctx, l, h)
	case isListener(0):
		return serveFastCGI(ctx, h)
	}
	if l, err = listen(address(os.Args[1:])); err != nil {
		return err
	}
	log.Printf("listening on %s", l.Addr())
	return serveHTTP(ctx, l, h)
}

// serveHTTP serves until ctx is done, and closes the listener.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: headerTime}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		server.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveFastCGI serves connections to the listening socket on standard input.
func serveFastCGI(ctx context.Context, h http.Handler) error {
	l, err := net.FileListener(os.Stdin)
	if err != nil {
		return err
	}
	var inFlight sync.WaitGroup
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inFlight.Add(1)
		defer inFlight.Done()
		h.ServeHTTP(w, r)
	})
	failed := make(chan error, 1)
	go func() { failed <- fcgi.Serve(l, counted) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	l.Close()
	<-failed
	ended := make(chan struct{})
	go func() {
		inFlight.Wait()
		close(ended)
	}()
	limit := time.NewTimer(drainTime)
	defer limit.Stop()
	select {
	case <-ended:
	case <-limit.C:
	}
	return nil
}
