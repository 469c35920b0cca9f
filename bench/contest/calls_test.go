package contest

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestCallsAreCountedByRole(t *testing.T) {
	script := " 7 10.500000: NR 0 (3, 2400, 0)\n 7 10.500001: NR 0 (3, 2400, 0)\nwarning: lost\n 8 10.600000: NR 9999 (1)\n 9 10.750000: NR 1 (1)\n"
	if unix.SYS_READ != 0 {
		t.Skip("read has another number here")
	}
	calls, err := countCalls([]byte(script), map[int]Role{7: HostRole, 8: WorkerRole})
	if err != nil {
		t.Fatal(err)
	}
	if calls.To-calls.From != 250*time.Millisecond || calls.Made[HostRole]["read"] != 2 || calls.Made[WorkerRole]["number 9999"] != 1 || len(calls.Made) != 2 {
		t.Errorf("%+v", calls)
	}
	if _, err := countCalls(nil, nil); err == nil {
		t.Error("nothing was counted, and there is no error")
	}
}
