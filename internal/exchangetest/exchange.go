// Package exchangetest has another user exchange files while a test opens them.
package exchangetest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// variable is the environment variable that makes a test binary the other user's program.
const variable = "MODGW_TEST_EXCHANGE"

func init() {
	if names := os.Getenv(variable); names != "" {
		exchange(strings.Split(names, "/"))
		os.Exit(0)
	}
}

// Start has a user replace the first name in a folder by each of the others in turn, as fast as
// possible, until end is called or the test is over.
func Start(t *testing.T, uid int, dir string, names ...string) (end func()) {
	t.Helper()
	// It must not end with the thread that started it, as with Pdeathsig: threads with other rights
	// end.
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir, cmd.Env, cmd.Stderr = dir, []string{variable + "=" + strings.Join(names, "/")}, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	started, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = started.Read(make([]byte, 1))
	}
	if err != nil {
		t.Fatalf("cannot let user %d exchange files: %v", uid, err)
	}
	end = sync.OnceFunc(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Errorf("files were no longer exchanged: %v", err)
		}
		_ = cmd.Wait() // it was killed
	})
	t.Cleanup(end)
	return end
}

// exchange works until it is killed, or its parent has ended.
func exchange(names []string) {
	for i, parent := 0, os.Getppid(); os.Getppid() == parent; i++ {
		other := names[1+i%(len(names)-1)]
		if err := unix.Renameat2(unix.AT_FDCWD, names[0], unix.AT_FDCWD, other, unix.RENAME_EXCHANGE); err != nil {
			fmt.Fprintf(os.Stderr, "cannot exchange %q: %v\n", other, err)
			os.Exit(1)
		}
		if i == 0 {
			fmt.Println()
		}
	}
}
