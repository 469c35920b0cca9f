package logbudget

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// logger returns a logger with budgets, and a function that returns its output.
func logger(c Config) (*slog.Logger, func() []string) {
	var mu sync.Mutex
	var out strings.Builder
	handler := slog.NewTextHandler(locked{&mu, &out}, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}})
	return slog.New(NewHandler(handler, c)), func() []string {
		mu.Lock()
		defer mu.Unlock()
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		out.Reset()
		return lines
	}
}

type locked struct {
	mu  *sync.Mutex
	out *strings.Builder
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFloodHidesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(Config{Limit: Limit{Records: 2, Bytes: 1000, Per: time.Second}})
		for range 5 {
			log.Info("refused")
			log.With("app", "a").Info("failed")
		}
		log.Info("failed", "app", "b")
		log.Info("ready")
		expect(t, logged(),
			"msg=refused", "msg=failed app=a", "msg=refused", "msg=failed app=a", "msg=failed app=b", "msg=ready")
		time.Sleep(time.Second)
		log.Info("refused")
		synctest.Wait()
		got := logged()
		if len(got) != 3 {
			t.Fatal(got)
		}
		for _, want := range []string{
			`msg="log records dropped" of=refused records=3 bytes=21`, "msg=refused",
			`msg="log records dropped" app=a of=failed records=3 bytes=30`,
		} {
			if !strings.Contains(strings.Join(got, "\n"), want) {
				t.Errorf("%q is not in %q", want, got)
			}
		}
	})
}

func TestBytesCountToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logged := logger(Config{
			Limit:  Limit{Records: 100, Bytes: 10, Per: time.Second},
			Others: map[string]Limit{"printed": {Records: 100, Bytes: 5000, Per: time.Second}},
		})
		long := strings.Repeat("x", 2000)
		for range 3 {
			log.Info("printed", "line", long)
		}
		expect(t, logged(), "msg=printed line="+long, "msg=printed line="+long)
		log.Info("failed", "error", long) // larger than the limit, and logged nevertheless
		log.Info("failed", "error", "x")
		expect(t, logged(), "msg=failed error="+long)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := logged(); len(got) != 2 {
			t.Error(got)
		}
	})
}

func TestLongValuesAreCut(t *testing.T) {
	log, logged := logger(Config{Limit: Limit{Records: 100, Bytes: 10 << 20, Per: time.Second}})
	log.Info("failed", "error", strings.Repeat("ü", longest), "code", "X")
	got := logged()[0]
	if len(got) > longest+100 || !strings.HasSuffix(got, cutMark+`" code=X`) {
		t.Errorf("%d bytes that end in %q", len(got), got[len(got)-50:])
	}
}

func TestBudgetsThatAreNotUsedAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := logger(Config{Limit: Limit{Records: 1, Bytes: 1000, Per: time.Second}})
		budgets := log.Handler().(*Handler).budgets
		for range 10 {
			for i := range fewest {
				log.Info("kind", "app", strings.Repeat("x", i))
			}
			time.Sleep(time.Second)
		}
		if n := len(budgets.of); n > 2*fewest {
			t.Errorf("there are still %d budgets", n)
		}
	})
}
