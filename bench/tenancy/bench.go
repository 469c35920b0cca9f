package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// bench is a host with a folder for what it needs.
type bench struct {
	dir     string // temporary folder
	program string // modgw-host
	address string // address of its HTTP listener
	process *exec.Cmd
	client  *control.Client
}

// build builds the host.
func (b *bench) build(ctx context.Context) error {
	b.program = filepath.Join(b.dir, "modgw-host")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", b.program, "github.com/modgw/modgw/cmd/modgw-host")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// write writes a file of an app.
func (b *bench) write(name, text string) error {
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// start starts a host with all descriptors of the folder, and returns when its apps serve.
func (b *bench) start(ctx context.Context, apps int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.address = l.Addr().String()
	l.Close()
	state := filepath.Join(b.dir, "state")
	log, err := os.Create(filepath.Join(b.dir, "host.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	b.process = exec.Command(b.program, "serve", filepath.Join(b.dir, "apps"), "--listen", "http="+b.address, "--state", state)
	b.process.Stdout, b.process.Stderr = log, log
	if err := b.process.Start(); err != nil {
		return err
	}
	b.client = control.NewClient(modgw.Address("unix:" + filepath.Join(state, "control.sock")))
	return b.await(ctx, "the apps do not serve", func(s control.Status) bool {
		serving := 0
		for _, a := range s.Apps {
			if a.State == modgw.AppServing {
				serving++
			}
		}
		return serving >= apps
	})
}

// await returns when the status of the host is as reached says.
func (b *bench) await(ctx context.Context, problem string, reached func(control.Status) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		s, err := b.client.Status(ctx)
		if err == nil && reached(s) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(errors.New(problem), err, b.log())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// log is an error with what the host has logged.
func (b *bench) log() error {
	text, err := os.ReadFile(filepath.Join(b.dir, "host.log"))
	return errors.Join(err, fmt.Errorf("the host logged:\n%s", text[max(0, len(text)-4000):]))
}

// stop ends the host.
func (b *bench) stop() {
	_ = b.process.Process.Signal(syscall.SIGTERM)
	_ = b.process.Wait() // how it ends is not measured
}
