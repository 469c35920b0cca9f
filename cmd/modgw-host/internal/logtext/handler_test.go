package logtext

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestRecordsReadWell(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		log     func(*slog.Logger)
		want    string
	}{
		{"message and attributes", Options{Head: Prioritized}, func(l *slog.Logger) {
			l.Info("generation ready", "generation", 2, "cause", "views.py changed")
		}, "<6>blog       generation ready generation=2 cause=\"views.py changed\"\n"},
		{"error with lines of its own", Options{Head: Prioritized}, func(l *slog.Logger) {
			l.Error("generation not started", "error", "cannot import\nSyntaxError")
		}, "<3>blog       ✗ generation not started\n    cannot import\n    SyntaxError\n"},
		{"what an app wrote", Options{Head: Prioritized, Plain: "app output"}, func(l *slog.Logger) {
			l.Info("app output", "line", "hello\nworld", "stream", "stdout")
		}, "<6>blog       | hello\n" + strings.Repeat(" ", 20) + "| world\n"},
		{"escape sequences do nothing", Options{Head: Prioritized, Plain: "app output"}, func(l *slog.Logger) {
			l.Info("app output", "line", "\x1b[31mred\x9b")
		}, "<6>blog       | \\x1b[31mred\\x9b\n"},
		{"date and zone", Options{Head: Dated}, func(l *slog.Logger) {
			record := slog.NewRecord(time.Date(2026, 11, 27, 9, 5, 1, 42e6, time.FixedZone("", -3600)), slog.LevelInfo, "ready", 0)
			_ = l.Handler().Handle(context.Background(), record)
		}, "2026-11-27T09:05:01.042-01:00 blog       ready\n"},
		{"below the level", Options{}, func(l *slog.Logger) { l.Debug("never seen") }, ""},
	} {
		var out strings.Builder
		c.log(slog.New(New(&out, c.options)).With("app", "blog"))
		if out.String() != c.want {
			t.Errorf("%s:\n%q\nwant\n%q", c.name, out.String(), c.want)
		}
	}
}

func TestEachAppHasAColourOfItsOwnWhereThereAreColours(t *testing.T) {
	t.Parallel()
	var colour, plain strings.Builder
	for out, options := range map[*strings.Builder]Options{&colour: {Colour: true}, &plain: {}} {
		log := slog.New(New(out, options))
		for _, app := range []string{"shop", "blog", "shop"} {
			log.Info("said", "app", app)
		}
		log.With("app", "blog").Info("said")
	}
	shop, blog := "\x1b[1;36mshop      \x1b[0m", "\x1b[1;32mblog      \x1b[0m"
	if got := colour.String(); strings.Count(got, shop) != 2 || strings.Count(got, blog) != 2 {
		t.Errorf("%q", got)
	}
	if strings.Contains(plain.String(), "\x1b") {
		t.Errorf("%q", plain.String())
	}
}
