package contest

import (
	"os"
	"os/exec"
	"testing"
)

func TestTreeSeesProcessesAndTheirMemory(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, p := range tree(os.Getpid()) {
		if p.pid == child.Process.Pid {
			found = p.alive() && p.memory() > 0 && p.role() == WorkerRole
		}
	}
	if !found {
		t.Error("the child is not seen")
	}
	_ = child.Process.Kill()
	_ = child.Wait() // it was killed
	if (process{pid: child.Process.Pid}).alive() {
		t.Error("the child is still seen")
	}
}
