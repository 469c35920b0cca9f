package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// leaveProcess has the app leave a process behind in its own session, and replaces the app.
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
	return awaitEnd(pid), nil
}

// leaveInBuild has a build leave a process behind in its own session.
func leaveInBuild(ctx context.Context, s *scene) (string, error) {
	const command = "setsid sleep 600 >/dev/null 2>&1 & echo $! >public/pid; until grep -q sleep /proc/$!/comm; do :; done"
	answer, err := described{text: build(command), path: "/x/pid"}.try(ctx, s)
	if err != nil {
		return "", err
	}
	pid, err := strconv.Atoi(strings.TrimPrefix(answer, "200 "))
	if err != nil || pid < 2 {
		return "", fmt.Errorf("the build has left %q", answer)
	}
	return awaitEnd(pid), nil
}

// awaitEnd waits for the end of a process that an app has left behind, and returns the answer of
// the attack: "denied" if the process has ended.
func awaitEnd(pid int) string {
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if syscall.Kill(pid, 0) != nil {
			return fmt.Sprintf("denied: process %d has ended", pid)
		}
	}
	_ = syscall.Kill(pid, syscall.SIGKILL) // this command has started it
	return fmt.Sprintf("done: process %d goes on", pid)
}
