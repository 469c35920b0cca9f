package kernelaudit

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// containedVariable is set if the test program should read records in its own namespace.
const containedVariable = "MODGW_TEST_CONTAINED"

func init() {
	if os.Getenv(containedVariable) == "" {
		return
	}
	if _, err := Open(); !errors.Is(err, errContained) {
		os.Exit(1)
	}
	os.Exit(0)
}

// TestNumbersOfProcessesElsewhereAreNotRead covers a host in a container, where a process ID in the
// records may be the ID of another app's process.
func TestNumbersOfProcessesElsewhereAreNotRead(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = []string{containedVariable + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if err := cmd.Start(); errors.Is(err, os.ErrPermission) {
		t.Skip("no namespace can be made here:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("records are read in a namespace of processes: %v", err)
	}
}
