package apache

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestApacheThatHasEndedIsNotTheOneThatRuns has a file that a killed Apache has left, whose number
// another process has now.
func TestApacheThatHasEndedIsNotTheOneThatRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if file := RunningFile(dir); file != "" {
		t.Errorf("%s, and there is no file with a number", file)
	}
	number := strconv.Itoa(os.Getpid()) + "\n"
	if err := os.WriteFile(filepath.Join(dir, pidFile), []byte(number), 0o600); err != nil {
		t.Fatal(err)
	}
	if file := RunningFile(dir); file != "" {
		t.Errorf("%s, and the number is another process's", file)
	}
}
