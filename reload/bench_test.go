package reload_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// BenchmarkWatch measures the time from declaring all apps until all files were scanned, the cost
// of that, how often the idle process wakes up per second, and the time from a save to its report.
func BenchmarkWatch(b *testing.B) {
	for _, size := range []struct{ apps, files int }{{1, 20000}, {1000, 20}} {
		b.Run(fmt.Sprintf("%d apps with %d files", size.apps, size.files), func(b *testing.B) {
			descriptors := manyApps(b, size.apps, size.files)
			for b.Loop() {
				watchAll(b, descriptors)
			}
		})
	}
}

// manyApps makes apps with a number of files each, twenty to a folder.
func manyApps(b *testing.B, apps, files int) []modgw.Descriptor {
	var all []modgw.Descriptor
	content := make([]byte, 3000)
	for i := range apps {
		name := fmt.Sprint("app", i)
		root := filepath.Join(b.TempDir(), name)
		for j := range files {
			file := filepath.Join(root, fmt.Sprint("pkg", j/20), fmt.Sprintf("mod%d.py", j))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(file, content, 0o644); err != nil {
				b.Fatal(err)
			}
		}
		all = append(all, modgw.Descriptor{
			Name: modgw.AppName(name), Kind: modgw.KindWSGI, WSGI: &modgw.WSGI{Entry: "mod0.py"}, Root: root,
		})
	}
	return all
}

func watchAll(b *testing.B, descriptors []modgw.Descriptor) {
	changes := make(chan reload.Change, 1)
	w, err := reload.New(reload.Config{Changed: func(_ context.Context, c reload.Change) { changes <- c }})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}()
	reload.AwaitTick(b)
	heap, began, used := heapBytes(), time.Now(), usage(b)
	for _, d := range descriptors {
		if err := w.Watch(reload.Of(d)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-declared")
	for _, d := range descriptors {
		for w.Status(d.Name).Mode == "" {
			time.Sleep(time.Millisecond)
		}
	}
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-looked-at")
	b.ReportMetric(float64((usage(b).cpu - used.cpu).Milliseconds()), "ms-CPU")
	b.ReportMetric(float64(heapBytes()-heap)/(1<<20), "MiB-heap")

	const rest = 3
	used = usage(b)
	time.Sleep(rest * time.Second)
	b.ReportMetric(float64(usage(b).switches-used.switches)/rest, "wake-ups/s")

	began = time.Now()
	saved := filepath.Join(descriptors[0].Root, "pkg0", "mod1.py")
	if err := os.WriteFile(saved, []byte(began.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	<-changes
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-to-report")
}

type used struct {
	cpu      time.Duration
	switches int64
}

func usage(b *testing.B) used {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return used{time.Duration(r.Utime.Nano() + r.Stime.Nano()), r.Nvcsw + r.Nivcsw}
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
