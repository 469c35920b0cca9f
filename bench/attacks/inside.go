package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// insideArgument is the first argument of this program in its own network namespace.
const insideArgument = "in-own-network"

// runInside runs this program again in an empty network namespace.
func runInside(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{insideArgument}, args...)...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * startTime
	return cmd.Run()
}

// makeNetwork adds the addresses to the network: the machine's own, and an address of another
// machine.
func makeNetwork(ctx context.Context) error {
	for _, command := range []string{"ip link set lo up", "ip address add " + foreign + "/32 dev lo"} {
		words := strings.Fields(command)
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput()
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", command, err, out)
		}
	}
	return nil
}
