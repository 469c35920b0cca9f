package reload

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

// pendings records the calls of Pending.
type pendings struct{ now atomic.Bool }

func (p *pendings) note(_ modgw.AppName, pending bool) { p.now.Store(pending) }

func TestWhoAsksAfterASaveIsToldThatItIsPending(t *testing.T) {
	state := t.TempDir()
	for _, mode := range []modgw.ReloadMode{modgw.ReloadAuto, modgw.ReloadPoll} {
		t.Run(string(mode), func(t *testing.T) {
			var p pendings
			file, w, in, changes := trial(t, Config{Canary: state, Pending: p.note})
			in.Mode = mode
			watched(t, w, in)
			for i := range 20 {
				w.CatchUp(t.Context(), "blog", "nobody")
				put(t, file, fmt.Sprint("content ", i))
				w.CatchUp(t.Context(), "blog", "nobody")
				if !p.now.Load() && len(changes) == 0 {
					t.Fatalf("save %d was not known", i)
				}
				receive(t, changes)
				until(t, "quiet", func() bool { return !p.now.Load() })
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(state, ".cookies")); err != nil || len(left) > 0 {
		t.Errorf("%q was left, %v", left, err)
	}
}

func TestFewFilesAreLookedAtForWhoAsksHoweverLongThatTakes(t *testing.T) {
	slow := &app{scanTook: time.Minute, last: newSnapshot()}
	for i := range 2 * fewFiles {
		if want := i <= fewFiles; slow.mayScanAtOnce() != want {
			t.Fatalf("with %d files, each look taking a minute: %t", i, !want)
		}
		slow.last.files.set(fmt.Sprint(i), entry{})
	}
	slow.scanTook = quickScan / 2
	if !slow.mayScanAtOnce() {
		t.Error("a quick look at many files is not repeated")
	}
}

func TestManyMayAskAtOnce(t *testing.T) {
	state := t.TempDir()
	_, w, in, _ := trial(t, Config{Canary: state})
	watched(t, w, in)
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			for range 20 {
				w.CatchUp(t.Context(), "blog")
			}
		})
	}
	asking.Wait()
	until(t, "echoes are gone", func() bool {
		left, _ := filepath.Glob(filepath.Join(state, ".cookies", "*"))
		return len(left) == 0
	})
}

func TestAskingEndsWithItsContextAndWithTheWatcher(t *testing.T) {
	_, w, in, _ := trial(t, Config{Canary: filepath.Join(t.TempDir(), "missing")})
	w.CatchUp(t.Context(), "blog") // before Run
	watched(t, w, in)
	w.CatchUp(t.Context(), "blog") // without a folder for echoes
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	<-ctx.Done()
	w.CatchUp(ctx, "blog")
}

func TestStateFolderThatGoesAwayHoldsNobodyUp(t *testing.T) {
	state := t.TempDir()
	_, w, in, _ := trial(t, Config{Canary: state})
	watched(t, w, in)
	w.CatchUp(t.Context(), "blog")
	if err := os.RemoveAll(state); err != nil {
		t.Fatal(err)
	}
	w.CatchUp(t.Context(), "blog")
}
