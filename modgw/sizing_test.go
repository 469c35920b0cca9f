package modgw

import "testing"

// sizedRunner is a runner whose number of workers can change.
type sizedRunner struct {
	*stubRunner
	size int
}

func (r *sizedRunner) Resize(n int) { r.size = n }
func (r *sizedRunner) Size() int    { return r.size }

// TestNoLockIsHeldWhileARunnerIsAskedForItsStatus: the runner may ask the kernel, for which
// requests and deploys must not wait.
func TestNoLockIsHeldWhileARunnerIsAskedForItsStatus(t *testing.T) {
	var app *App
	s := &stage{status: func(RunnerConfig) {
		if !app.mu.TryLock() {
			t.Error("the app is locked")
			return
		}
		app.mu.Unlock()
	}}
	g := testGateway(t, s, func(c *Config) {
		c.Runners[KindWSGI] = func(c RunnerConfig) (Runner, error) {
			r, err := s.newRunner(c)
			return &sizedRunner{r.(*stubRunner), c.Size}, err
		}
	})
	d := descriptor("hello")
	d.WSGI.Workers, d.WSGI.MaxWorkers = 1, 3
	if err := g.Register(d); err != nil {
		t.Fatal(err)
	}
	app = g.apps[d.Name]
	deploy(t, g, d)
	deploy(t, g, d)
	if scaled, err := g.Scale(d.Name, Scale{Min: 2, Max: 4}); err != nil || scaled.Wanted != 2 {
		t.Errorf("scaled: %+v, %v", scaled, err)
	}
	deploy(t, g, d)
	if all := g.Shareable(); len(all) != 1 || all[0].Wanted != 2 {
		t.Errorf("a successor learns %+v", all)
	}
	if loads := g.Loads(); len(loads) != 1 || loads[0].Scale != (Scale{Min: 2, Max: 4}) {
		t.Errorf("loads %+v", loads)
	}
}
