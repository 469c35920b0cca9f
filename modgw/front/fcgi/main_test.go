package fcgi

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/looptest"
	"github.com/modgw/modgw/modgw/front"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// serve runs a front with config on a Unix socket that everyone may use until the test ends, and
// returns its path.
func serve(t testing.TB, config Config) string {
	t.Helper()
	path := filepath.Join(fronttest.Dir(t), "fcgi.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if config.Log == nil {
		config.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	serveOn(t, config, ln)
	return path
}

func serveOn(t testing.TB, config Config, ln net.Listener) {
	t.Helper()
	config.Loops, config.Handler = looptest.Loops(t, config.Handler), looptest.OnLoop(config.Handler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- New(config).Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		looptest.Close(config.Loops)
	})
}

func handle(f http.HandlerFunc) Config { return Config{Config: front.Config{Handler: f}} }
