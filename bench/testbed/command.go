package testbed

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Main runs a command with the arguments of this process, and exits when it has ended. ctx of run
// ends when the process is interrupted.
func Main(name string, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Folder creates a temporary folder below parent that other users may enter: the users of apps and
// of web servers. If parent is empty, the folder is in the system's folder for temporary files.
func Folder(parent, name string) (dir string, err error) {
	if dir, err = os.MkdirTemp(parent, name); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// Pause waits for a time, or until ctx ends.
func Pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
