package apache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// untilAnswering waits until the Apache with a process id has its port and answers; false when ctx
// ends first. It writes its pid file when it has bound the port, so an answer after that comes from
// this Apache and no other.
func untilAnswering(ctx context.Context, pid int, dir, address string) bool {
	for pidIn(dir) != pid || !answers(ctx, address) {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}

// answers sends nonsense, which no app sees, and waits until Apache refuses it.
func answers(ctx context.Context, address string) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return false
	}
	if _, err := conn.Write([]byte("nonsense\r\n\r\n")); err != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// pidIn returns the process id in the pid file of a folder, or 0 if there is none.
func pidIn(dir string) int {
	data, err := os.ReadFile(filepath.Join(dir, pidFile))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(data)))
	if err != nil {
		return 0
	}
	return pid
}

// endStale ends an Apache that an earlier run left behind because it was killed itself: it holds
// the port. It is recognised by its pid file and its command line.
func endStale(ctx context.Context, dir string) error {
	pid, file := pidIn(dir), filepath.Join(dir, configFile)
	if pid == 0 || !runs(pid, file) {
		return nil
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(pid, sig); err != nil {
			break
		}
		for deadline := time.After(5 * time.Second); runs(pid, file); {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(20 * time.Millisecond):
				continue
			case <-deadline:
			}
			break
		}
	}
	if runs(pid, file) {
		return fmt.Errorf("cannot end the Apache of an earlier run, process %d", pid)
	}
	return nil
}

// runs reports whether a process runs with a configuration file.
func runs(pid int, file string) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(line, []byte("\x00"+file+"\x00"))
}
