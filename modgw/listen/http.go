package listen

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// ServeHTTP lets a server answer the connections of ln until ctx is done, and returns when every
// answer has ended.
func ServeHTTP(ctx context.Context, server *http.Server, ln net.Listener) error {
	stopped := context.AfterFunc(ctx, func() { _ = server.Shutdown(context.Background()) })
	defer stopped()
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	// Serve returns when Shutdown begins; this one returns when all connections are idle.
	return server.Shutdown(context.Background())
}
