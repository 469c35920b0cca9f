package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/modgw/modgw/bench/testbed"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// bench is a host with a folder for what it needs.
type bench struct {
	dir     string // temporary folder
	program string // modgw-host
	address string // address of its HTTP listener
	host    *testbed.Program
	client  *control.Client
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
func (b *bench) start(ctx context.Context, apps int) (err error) {
	if b.address, err = testbed.FreeAddress(); err != nil {
		return err
	}
	state := filepath.Join(b.dir, "state")
	b.host, err = testbed.Start(b.dir, nil, b.program, "serve", filepath.Join(b.dir, "apps"), "--listen", "http="+b.address, "--state", state)
	if err != nil {
		return err
	}
	b.client = control.NewClient(modgw.Address("unix:" + filepath.Join(state, "control.sock")))
	err = b.host.Await(ctx, 5*time.Minute, func(ctx context.Context) error { return b.appsServe(ctx, apps) })
	if err != nil {
		return fmt.Errorf("%w\n%s", err, b.host.Log())
	}
	return nil
}

// appsServe returns an error unless that many apps serve.
func (b *bench) appsServe(ctx context.Context, apps int) error {
	s, err := b.client.Status(ctx)
	if err != nil {
		return err
	}
	for _, a := range s.Apps {
		if a.State == modgw.AppServing {
			apps--
		}
	}
	if apps > 0 {
		return errors.New("the apps do not serve")
	}
	return nil
}
