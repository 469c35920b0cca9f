package reload

import (
	"runtime"
	"testing"
)

// WaitForInput runs in a test's helper process.
var WaitForInput = waitForInput

// AwaitTick returns when files that change from now on get later times than files that changed
// before. The kernel's clock for changes lags up to two steps behind its clock for files whose
// times have just been read.
func AwaitTick(t testing.TB) {
	t.Helper()
	for range 3 {
		for before := kernelTime(); kernelTime().Equal(before); {
			runtime.Gosched()
		}
	}
}

// LockedLog collects the log of a watcher.
type LockedLog = lockedBuffer
