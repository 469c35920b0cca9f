package host_test

import (
	"context"
	"log/slog"
	"os"
	"os/signal"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/host"
)

// A program that has the whole host in it.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	h, err := host.New(host.Config{
		Targets:   []string{"/etc/modgw/apps-enabled"},
		Listeners: []modgw.Listener{{Kind: "http", Address: "127.0.0.1:8000"}},
		Log:       slog.Default(),
	})
	if err == nil {
		err = h.Run(ctx)
	}
	if err != nil {
		slog.Error(err.Error())
	}
}
