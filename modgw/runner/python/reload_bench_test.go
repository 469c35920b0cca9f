package python

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

// BenchmarkReload measures from the start of a new generation until it is ready, for the Django
// site of the examples. $MODGW_TEST_DJANGO is a Python that has Django.
func BenchmarkReload(b *testing.B) {
	django := os.Getenv("MODGW_TEST_DJANGO")
	if django == "" {
		b.Skip("MODGW_TEST_DJANGO names no Python with Django")
	}
	root := b.TempDir()
	if err := os.CopyFS(root, os.DirFS("../../../examples/django")); err != nil {
		b.Fatal(err)
	}
	for name, templates := range map[string]*zygote.Set{"alone": nil, "forked": new(zygote.Set)} {
		b.Run(name, func(b *testing.B) {
			files, err := Unpack(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			if templates != nil {
				templates.Delay = time.Millisecond
			}
			files.Zygotes = templates
			log := &watchtest.Log{}
			generation := func(number int) *Runner {
				runner, err := New(modgw.RunnerConfig{
					Descriptor: modgw.Descriptor{
						Name: "blog", Root: root, Mount: "/", Kind: modgw.KindWSGI,
						WSGI:     &modgw.WSGI{Entry: "mysite.wsgi:application", Workers: 1, Threads: 4},
						Env:      map[string]string{"DJANGO_SETTINGS_MODULE": "mysite.settings", "SITE_VAR": root + "/var"},
						Timeouts: modgw.Timeouts{Startup: time.Minute, Request: time.Minute, Stop: 10 * time.Second},
						Queue:    modgw.Queue{Max: 100},
					},
					Environment: &modgw.Environment{Interpreter: django},
					Generation:  number,
					Log:         slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
				}, files)
				if err == nil {
					err = runner.Start(b.Context())
				}
				if err != nil {
					b.Fatal(err)
				}
				return runner
			}
			first := generation(1)
			defer first.Stop(b.Context())
			for templates != nil && first.zygote.Pick() == nil {
				if log.Count("template given up") > 0 {
					b.Fatal(log.String())
				}
				time.Sleep(10 * time.Millisecond)
			}
			b.ResetTimer()
			for i := range b.N {
				next := generation(i + 2)
				b.StopTimer()
				next.Stop(b.Context())
				b.StartTimer()
			}
			b.StopTimer()
			if os.Getenv("SHOWLOG") != "" {
				os.WriteFile(os.Getenv("SHOWLOG"), []byte(log.String()), 0o644)
			}
		})
	}
}
