package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// leaveProcess lets the app leave a process in a session of its own, and replaces the app.
func leaveProcess(ctx context.Context, s *scene) (string, error) {
	answer, err := s.attackerAnswers(ctx, "/daemon")
	if err != nil {
		return "", err
	}
	pid, err := strconv.Atoi(strings.TrimPrefix(answer, "done left "))
	if err != nil || pid < 2 {
		return "", fmt.Errorf("the app answers %q", answer)
	}
	if out, err := s.as(ctx, attacker, "restart", "python"); err != nil {
		return "", fmt.Errorf("cannot restart the app: %w: %s", err, out)
	}
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if syscall.Kill(pid, 0) != nil {
			return fmt.Sprintf("denied: process %d has ended", pid), nil
		}
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // it is this command's own
	return fmt.Sprintf("done: process %d goes on", pid), nil
}
