package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// hosts returns incidents that concern the host itself.
func hosts() []*incident {
	return []*incident{
		{
			name:  "the host's own file is broken",
			app:   `wsgi { entry = "shop.py" }`,
			files: map[string]string{"shop.py": hello},
			stage: func(_ context.Context, s *scene) error {
				return os.WriteFile(s.path("host.hcl"), []byte("aps = [\"app/*.hcl\"]\n"), 0o644)
			},
			cause: "broken_host_file", says: `the host's file cannot be used: .*host\.hcl:1.*"aps".*the settings before stay in force`,
		},
		{
			name:    "the disk of the host is full",
			app:     `wsgi { entry = "shop.py" }`,
			files:   map[string]string{"shop.py": hello},
			missing: needsRoot,
			prepare: smallState,
			stage: func(_ context.Context, s *scene) error {
				err := os.WriteFile(s.path("state/dump"), make([]byte, 24<<20), 0o600)
				if errors.Is(err, syscall.ENOSPC) {
					return nil
				}
				return fmt.Errorf("the disk is not full: %w", err)
			},
			cause: "disk_full", says: `disk full: the state folder \S+ has \d+ KiB of 24 MiB left`,
		},
		{
			name:  "the host has no file descriptors left",
			app:   `wsgi { entry = "shop.py" }`,
			files: map[string]string{"shop.py": hello},
			stage: func(_ context.Context, s *scene) error {
				h, err := s.status()
				if err != nil {
					return err
				}
				open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", h.PID))
				if err != nil {
					return err
				}
				most := uint64(len(open) + 2)
				return unix.Prlimit(h.PID, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: most}, nil)
			},
			cause: "files_exhausted", says: `the host has \d+ of \d+ file descriptors open`,
		},
		{
			name:    "the watcher is blind for a file",
			app:     `wsgi { entry = "shop.py" }`,
			files:   map[string]string{"shop.py": hello},
			missing: needsRoot,
			prepare: func(_ context.Context, s *scene) error {
				file := s.path("app/shop.py")
				// it is no longer in use
				s.cleanUp = append(s.cleanUp, func() { _ = syscall.Unmount(file, syscall.MNT_DETACH) })
				return syscall.Mount(file, file, "", syscall.MS_BIND, "")
			},
			cause: "watch_degraded", says: `changes of some files are not seen: .*shop\.py is mounted as a single file`,
		},
	}
}
