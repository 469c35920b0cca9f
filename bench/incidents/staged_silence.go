package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// silence returns incidents in which workers accept requests and answer none.
func silence() []*incident {
	respond := "    start_response(\"200 OK\", [])\n    return [b\"hello\"]\n"
	return []*incident{
		{
			name:  "a worker is stopped",
			app:   threads("2"),
			files: map[string]string{"shop.py": hello},
			stage: func(ctx context.Context, s *scene) error {
				h, err := s.status()
				if err != nil {
					return err
				}
				pid := h.Apps[0].Runner.Workers[0].PID
				// it may have ended
				s.cleanUp = append(s.cleanUp, func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
				return errors.Join(syscall.Kill(pid, syscall.SIGSTOP), busy(4)(ctx, s))
			},
			cause: "worker_silent", says: `worker 1 is stopped, by a signal or a debugger; no request was answered for \d+ s`,
		},
		{
			name: "native code keeps the interpreter",
			app:  threads("2"),
			files: map[string]string{"shop.py": "import ctypes\n\n\ndef application(environ, start_response):\n" +
				"    ctypes.PyDLL(None).sleep(90)\n" + respond},
			stage: busy(3),
			look:  9 * time.Second,
			cause: "worker_silent", says: `worker 1 does not say where requests are: native code keeps the interpreter; no request was answered for \d+ s`,
		},
		{
			name:  "a program answers nothing",
			app:   "  cgi {\n    script      = \"shop.sh\"\n    concurrency = 2\n  }",
			files: map[string]string{"shop.sh": "#!/bin/sh\nexec sleep 120\n"},
			stage: busy(4),
			look:  15 * time.Second,
			cause: "worker_silent", says: `2 requests are executed, of 2 at once; no request was answered for \d+ s`,
		},
		{
			name: "no name server answers",
			app:  threads("2"),
			files: map[string]string{"shop.py": "import urllib.request\n\n\ndef application(environ, start_response):\n" +
				"    urllib.request.urlopen(\"http://shop.example/\")\n" + respond},
			missing: needsMounts,
			prepare: silentNames,
			stage:   busy(4),
			look:    4 * time.Second,
			cause:   "waiting_for_names",
			says:    `waiting for name resolution: 2 of 2 threads are in socket\.getaddrinfo, called in shop\.py line 5(, for \d+\.\d s)?; 2 requests wait`,
		},
	}
}

func needsMounts(s *scene) string {
	if _, err := exec.LookPath("unshare"); err != nil {
		return "there is no unshare"
	}
	return needsRoot(s)
}

// silentNames makes the host and its apps use a name server that does not exist, in a separate
// mount namespace.
func silentNames(_ context.Context, s *scene) error {
	// 192.0.2.1 is reserved for documentation
	if err := os.WriteFile(s.path("resolv.conf"), []byte("nameserver 192.0.2.1\n"), 0o644); err != nil {
		return err
	}
	s.before = []string{"unshare", "--mount", "sh", "-c", "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"", s.path("resolv.conf")}
	return nil
}
