package workers

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// TestDenialsAreNamedWithWhatWouldAllowThem has what programs print of what a sandbox denies, and
// of what file permissions deny.
func TestDenialsAreNamedWithWhatWouldAllowThem(t *testing.T) {
	d := modgw.Descriptor{Root: "/app", Sandbox: &modgw.Sandbox{Write: []string{"/app/var"}}}
	s := NewSandbox(modgw.RunnerConfig{Descriptor: d, Environment: &modgw.Environment{}}, nil)
	for text, want := range map[string]string{
		"PermissionError: [Errno 13] Permission denied: '/home/a/key'":                                      `read = ["/home/a/key"]`,
		"  with open('x.txt', 'w') as f:\nPermissionError: [Errno 13] Permission denied: 'x.txt'":           `write = ["/app/x.txt"]`,
		"  os.mkdir(d)\nPermissionError: [Errno 13] Permission denied: '/srv/new'":                          `write = ["/srv/new"]`,
		"2026/01/02 03:04:05 open /home/a/key: permission denied":                                           `read = ["/home/a/key"]`,
		"Error: EACCES: permission denied, open '/home/a/key'":                                              `read = ["/home/a/key"]`,
		"cat: /home/a/key: Permission denied":                                                               `read = ["/home/a/key"]`,
		"PHP Warning: fopen(/home/a/key): Failed to open stream: Permission denied in /app/i.php on line 2": `read = ["/home/a/key"]`,
		"dial tcp 10.0.0.5:5432: connect: permission denied":                                                `network = ["10.0.0.5:5432"]`,
		"Error: connect EACCES 10.0.0.5:5432":                                                               `network = ["10.0.0.5:5432"]`,
		`connection to server at "127.0.0.1", port 5432 failed: Permission denied; could not connect`:       `network = ["127.0.0.1:5432"]`,
		"    sock.connect(address)\nPermissionError: [Errno 13] Permission denied":                          `network = ["HOST:PORT"]`,
		"  socket.socket(AF_INET, SOCK_DGRAM)\nPermissionError: [Errno 1] Operation not permitted":          `network = ["HOST:PORT"]`,
		"PermissionError: [Errno 13] Permission denied: '/app/var/theirs'":                                  "",
		"PermissionError: [Errno 1] Operation not permitted":                                                "",
		"nothing is wrong with /home/a/key":                                                                 "",
		"PermissionError: [Errno 13] Permission denied: '/usr/share/doc/x'":                                 `write = ["/usr/share/doc/x"]`,
	} {
		if want != "" {
			want = "sandbox { " + want + " }"
		}
		if got := s.explain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestEachDenialIsNamedOnce(t *testing.T) {
	d := modgw.Descriptor{Root: "/app", Sandbox: &modgw.Sandbox{}}
	s := NewSandbox(modgw.RunnerConfig{Descriptor: d, Environment: &modgw.Environment{}}, nil)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	for range 3 {
		s.LogLine(log, proc.Line{Text: "cat: /home/a/key: Permission denied"})
	}
	if n := strings.Count(out.String(), "denied by the sandbox"); n != 1 {
		t.Errorf("%d records:\n%s", n, out.String())
	}
	var none *Sandbox
	out.Reset()
	none.LogLine(log, proc.Line{Text: "cat: /home/a/key: Permission denied"})
	if strings.Contains(out.String(), "sandbox") {
		t.Error(out.String())
	}
}
