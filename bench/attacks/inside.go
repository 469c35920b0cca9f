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

// insideArgument is the first argument of this program in a network of its own.
const insideArgument = "in-own-network"

// runInside runs this program again in a network that has nothing but itself.
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

// makeNetwork gives the network its addresses: the machine's own, and one of another machine.
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
