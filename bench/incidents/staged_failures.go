package main

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// failures returns incidents in which requests fail, or would fail.
func failures() []*incident {
	respond := "    start_response(\"200 OK\", [])\n    return [b\"hello\"]\n"
	return []*incident{
		{
			name: "each request raises an exception",
			app:  threads("2"),
			files: map[string]string{"shop.py": "prices = {}\n\n\ndef application(environ, start_response):\n" +
				"    prices[\"tea\"]\n" + respond},
			stage: busy(2),
			cause: "failing_requests", says: `\d+ of the last \d+ answers were 5xx, the last at \S+: .*KeyError: 'tea' \(shop\.py line 5\)`,
		},
		{
			name: "too many files are open",
			app:  threads("2") + "\n  limits { files = 64 }",
			files: map[string]string{"shop.py": "kept = []\n\n\ndef application(environ, start_response):\n" +
				"    kept.append(open(__file__))\n" + respond},
			stage: busy(2),
			look:  8 * time.Second,
			cause: "too_many_files", says: `\d+ of the last \d+ answers were 5xx.*Too many open files.*shop\.py line 5`,
		},
		{
			name: "a file may not be read",
			app:  threads("2") + "\n  user = \"nobody\"",
			files: map[string]string{"key": "", "shop.py": "def application(environ, start_response):\n" +
				"    open(\"key\").read()\n" + respond},
			missing: needsRoot,
			prepare: func(_ context.Context, s *scene) error { return os.Chmod(s.path("app/key"), 0o600) },
			stage:   busy(2),
			cause:   "permission_denied", says: `Permission denied: 'key' \(shop\.py line 2\)`,
		},
		{
			name: "a request crashes the interpreter",
			app:  threads("2"),
			files: map[string]string{"shop.py": "import ctypes\n\n\ndef application(environ, start_response):\n" +
				"    if environ[\"PATH_INFO\"] == \"/report\":\n        ctypes.string_at(0)\n" + respond},
			stage: func(ctx context.Context, s *scene) error {
				_, err := s.ask(ctx, client{path: "/report"})
				return err
			},
			cause: "worker_crashed", says: `worker \d crashed at \S+: killed by signal 11 \(SIGSEGV\).*with GET /report`,
		},
		{
			name: "memory is used up",
			app:  threads("2") + "\n  limits { memory = \"96MiB\" }",
			files: map[string]string{"shop.py": "kept = []\n\n\ndef application(environ, start_response):\n" +
				"    kept.append(bytearray(b\"x\") * (8 << 20))\n" + respond},
			missing: needsRoot,
			stage:   busy(1),
			cause:   "out_of_memory", says: `(the kernel ended worker \d|MemoryError.*shop\.py line 5)`,
		},
		{
			name: "requests take longer than they may",
			app:  threads("2") + "\n  timeouts { request = \"1s\" }",
			files: map[string]string{"shop.py": "import time\n\n\ndef application(environ, start_response):\n" +
				"    for _ in range(600):\n        time.sleep(0.1)\n" + respond},
			stage: busy(1),
			look:  7 * time.Second,
			cause: "timeout", says: `\d+ requests? ended at timeouts { request } in \d+ s.*shop\.py line 6`,
		},
		{
			name:  "uploads are too large",
			app:   threads("2") + "\n  limits { body = \"1KiB\" }",
			files: map[string]string{"shop.py": hello},
			stage: func(_ context.Context, s *scene) error {
				s.send(1, client{path: "/upload", method: "POST", body: string(make([]byte, 4096)), rest: 100 * time.Millisecond})
				return nil
			},
			cause: "body_too_large", says: `\d+ requests refused in \d+ s, 100 %: their bodies are larger than limits { body }, 1 KiB`,
		},
		{
			name:  "PHP does not run",
			app:   "  fastcgi {\n    connect     = \"unix:{{dir}}/php.sock\"\n    script_root = \"{{dir}}/app\"\n  }",
			files: map[string]string{"index.php": "<?php echo 1;"},
			cause: "deploy_failed", says: `cannot connect to the FastCGI program at "unix:.*php\.sock"`,
		},
		{
			name:    "PHP ends and does not come back",
			app:     "  fastcgi {\n    connect     = \"unix:{{dir}}/php.sock\"\n    script_root = \"{{dir}}/app\"\n  }",
			files:   map[string]string{"index.php": "<?php echo 1;"},
			missing: needsPHP,
			prepare: startPHP,
			stage: func(_ context.Context, s *scene) error {
				err := s.await(readyTime, "the app serves", func(h *hostStatus) bool { return h.Apps[0].State == "serving" })
				if err != nil {
					return err
				}
				s.cleanUp[len(s.cleanUp)-1]() // ends PHP
				s.send(1, client{path: "/index.php", rest: 100 * time.Millisecond})
				return nil
			},
			cause: "failing_requests", says: `\d+ of the last \d+ answers were 5xx.*php\.sock`,
		},
		{
			name: "memory leaks",
			app:  threads("2"),
			files: map[string]string{"shop.py": "kept = []\n\n\ndef application(environ, start_response):\n" +
				"    kept.append(bytearray(b\"x\") * (512 << 10))\n" + respond},
			stage: func(_ context.Context, s *scene) error {
				s.send(1, client{path: "/", rest: 100 * time.Millisecond})
				return nil
			},
			look:  75 * time.Second,
			cause: "memory_grows", says: `grows by \d+\.\d MiB a minute in generation 1: from \d+ to \d+ MiB in \d+ s`,
		},
		{
			name: "a crawler takes most requests",
			app:  threads("2") + "\n  queue { max = 100 }",
			files: map[string]string{"shop.py": "import time\n\n\ndef application(environ, start_response):\n" +
				"    time.sleep(0.02)\n" + respond},
			stage: func(_ context.Context, s *scene) error {
				s.send(12, client{path: "/all", address: "127.0.0.9", agent: "GreedyBot/1.0"})
				s.send(2, client{path: "/", address: "127.0.0.10", agent: "Mozilla/5.0"})
				return nil
			},
			cause: "greedy_client", says: `one client, 127\.0\.0\.9 with the user agent "GreedyBot/1\.0", sends \d+ % of the requests`,
		},
		{
			name: "clients read slowly",
			app:  threads("4"),
			files: map[string]string{"shop.py": "def application(environ, start_response):\n" +
				"    start_response(\"200 OK\", [])\n    return [bytes(8 << 20)]\n"},
			stage: func(_ context.Context, s *scene) error {
				s.readSlowly(4)
				return nil
			},
			look:  9 * time.Second,
			cause: "slow_clients", says: `\d+ of the last \d+ responses waited for their client for more than 1 s after the app was done, \d+\.\d s on average`,
		},
		{
			name: "the disk is full for uploads",
			app:  threads("1") + "\n  limits { body = \"64MiB\" }",
			files: map[string]string{"shop.py": "import time\n\n\ndef application(environ, start_response):\n" +
				"    while environ[\"wsgi.input\"].read(1 << 16):\n        time.sleep(0.05)\n" + respond},
			missing: needsRoot,
			prepare: smallState,
			stage: func(_ context.Context, s *scene) error {
				s.send(2, client{path: "/upload", method: "POST", body: string(make([]byte, 48<<20))})
				return nil
			},
			look:  8 * time.Second,
			cause: "disk_full", says: `disk full`,
		},
	}
}

func needsPHP(*scene) string {
	if _, err := exec.LookPath("php-cgi"); err != nil {
		return "there is no php-cgi"
	}
	return ""
}

// startPHP starts a FastCGI server that the host does not start, until the last clean-up.
func startPHP(ctx context.Context, s *scene) error {
	cmd := exec.CommandContext(ctx, "php-cgi", "-b", s.path("php.sock"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cleanUp = append(s.cleanUp, sync.OnceFunc(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		_ = cmd.Wait()
	}))
	return nil
}

func needsRoot(*scene) string {
	if os.Getuid() != 0 {
		return "it needs root"
	}
	return ""
}

// smallState mounts a small disk as the host's state folder, until the scene ends.
func smallState(_ context.Context, s *scene) error {
	dir := s.path("state")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=24m"); err != nil {
		return err
	}
	// it is no longer in use
	s.cleanUp = append(s.cleanUp, func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return nil
}
