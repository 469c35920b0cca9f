package venv

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// A host that dies leaves its pip running for a while, and no other may build in the same folder
// meanwhile.
func TestLockIsHeldAsLongAsTheBuildLives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "id.lock")
	lock, err := acquire(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(t.Context())
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		p := process{args: []string{"/bin/sh", "-c", "echo started; exec sleep 600"}, dir: "/", lock: lock}
		ended <- p.run(running, &lines{each: func(string) { close(started) }})
	}()
	<-started
	lock.Close()

	waiting, giveUp := context.WithCancel(t.Context())
	if _, err := acquire(waiting, path, giveUp); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want to wait until giving up", err)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the build ended with %v", err)
	}
	again, err := acquire(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
