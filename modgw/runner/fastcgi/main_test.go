package fastcgi

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/runnertest"
	"github.com/modgw/modgw/modgw"
)

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		programOfGo()
		return
	}
	goleak.VerifyTestMain(m)
}

// app is an app with the runner of its latest generation.
type app struct {
	*runnertest.App
	runner *Runner
}

func descriptor(t *testing.T, f modgw.FastCGI) modgw.Descriptor {
	d := runnertest.Descriptor(t)
	d.Kind, d.FastCGI = modgw.KindFastCGI, &f
	return d
}

// serve deploys an app with files, named by their paths, and stops it when the test ends.
func serve(t *testing.T, d modgw.Descriptor, files map[string]string) *app {
	t.Helper()
	a, err := deploy(t, d, files)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func deploy(t *testing.T, d modgw.Descriptor, files map[string]string) (*app, error) {
	t.Helper()
	a := &app{}
	var err error
	a.App, err = runnertest.Deploy(t, d, func(c modgw.RunnerConfig) (modgw.Runner, error) {
		r, err := New(c)
		a.runner = r
		return r, err
	}, files)
	return a, err
}

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o755) }
