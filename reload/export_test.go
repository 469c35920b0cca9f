package reload

import (
	"runtime"
	"testing"
)

// WaitForInput is what a test's helper process does.
var WaitForInput = waitForInput

// AwaitTick returns when files that change from now on have other times than those that changed
// before. The kernel's clock for them lags up to two steps behind the one that it takes for files
// that have just been read.
func AwaitTick(t testing.TB) {
	t.Helper()
	for range 3 {
		for before := kernelTime(); kernelTime().Equal(before); {
			runtime.Gosched()
		}
	}
}

// LockedLog collects what a watcher logs.
type LockedLog = lockedBuffer
