package workers

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/kernelaudit"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/modgw"
)

// TestDenialsAreNamedWithWhatWouldAllowThem uses the messages that programs print when a sandbox or
// file permissions deny an access.
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
		if got := s.explain(text).allow; got != want {
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

// TestDenialsOfTheKernelAreNamedWithWhatWouldAllowThem uses reports of the kernel about a sandbox
// that lists addresses, and about denials that the sandbox has not caused.
func TestDenialsOfTheKernelAreNamedWithWhatWouldAllowThem(t *testing.T) {
	d := modgw.Descriptor{Root: "/app", Sandbox: &modgw.Sandbox{
		Write: []string{"/app/var"}, Network: []modgw.Endpoint{{Host: "10.0.0.1", Port: 80}},
	}}
	c := modgw.RunnerConfig{Descriptor: d, Environment: &modgw.Environment{}}
	s := NewSandbox(c, &account.Account{UID: 1000})
	read := func(path string) kernelaudit.Denial { return kernelaudit.Denial{Path: path} }
	write := func(path string) kernelaudit.Denial { return kernelaudit.Denial{Path: path, Change: true} }
	call := func(number uintptr) kernelaudit.Denial {
		return kernelaudit.Denial{Kind: kernelaudit.Call, Call: number}
	}
	const none = "no setting"
	for _, c := range []struct {
		denied kernelaudit.Denial
		want   string // setting; none: there is none; "": not denied by the sandbox
	}{
		{read("/home/a/key"), `sandbox { read = ["/home/a/key"] }`},
		{write("/srv"), `sandbox { write = ["/srv"] }`},
		{write("/app"), `sandbox { write = ["/app"] }`},
		{read("/app/settings.py"), ""},
		{write("/app/var/x"), ""},
		{write("/usr/lib/python3"), ""},
		{write("/app/__pycache__"), ""},
		{read(""), ""},
		{kernelaudit.Denial{Kind: kernelaudit.Connect, To: netip.MustParseAddrPort("10.0.0.5:5432")}, `sandbox { network = ["10.0.0.5:5432"] }`},
		{kernelaudit.Denial{Kind: kernelaudit.Listen, Port: 80}, `sandbox { network = ["*"] }`},
		{kernelaudit.Denial{Kind: kernelaudit.Signal}, none},
		{kernelaudit.Denial{Kind: kernelaudit.Abstract}, none},
		{kernelaudit.Denial{Kind: kernelaudit.Trace}, none},
		{kernelaudit.Denial{Kind: kernelaudit.Mount}, none},
		{call(unix.SYS_PTRACE), none},
		{call(unix.SYS_BPF), none},
		{call(unix.SYS_CLONE), none},
		{call(unix.SYS_KILL), none},
		{call(unix.SYS_SOCKET), `sandbox { network = ["*"] }`},
		{call(unix.SYS_SENDTO), `sandbox { network = ["*"] }`},
		{call(unix.SYS_READ), ""},
		{call(unix.SYS_CLONE3), ""},
	} {
		found, ours := s.explainDenial(c.denied)
		got := found.allow
		if ours && got == "" && found.what != "" {
			got = none
		}
		if got != c.want || ours != (c.want != "") {
			t.Errorf("%+v: %q %v, want %q", c.denied, got, ours, c.want)
		}
	}
	for number := range uintptr(1024) { // more than there are calls
		if found, ours := s.explainDenial(call(number)); ours && found.allow == "" && found.what == "" {
			t.Errorf("call %d is denied without a name", number)
		}
	}
}

// TestDenialsAreCountedAndNamedOnceWhoeverReportsThem has one that the program prints as well, and
// more of them than are named.
func TestDenialsAreCountedAndNamedOnceWhoeverReportsThem(t *testing.T) {
	d := modgw.Descriptor{Root: "/app", Sandbox: &modgw.Sandbox{}}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	s := NewSandbox(modgw.RunnerConfig{Descriptor: d, Environment: &modgw.Environment{}, Log: log}, nil)
	s.LogLine(log, proc.Line{Text: "cat: /home/a/key: Permission denied"})
	s.denyFor(kernelaudit.Denial{Path: "/home/a/key"})
	s.denyFor(kernelaudit.Denial{Path: "/app/index.html"})
	if n := strings.Count(out.String(), "denied by the sandbox"); n != 1 {
		t.Errorf("%d records:\n%s", n, out.String())
	}
	const attempts = 3 * maxDenials
	for n := range attempts {
		s.denyFor(kernelaudit.Denial{Path: fmt.Sprintf("/home/%d", n)})
	}
	if n := strings.Count(out.String(), "denied by the sandbox"); n != maxDenials {
		t.Errorf("%d records of %d", n, attempts)
	}
	if n := s.denials.total()["files"]; n != attempts+2 {
		t.Errorf("%d were counted of %d", n, attempts+2)
	}
}

func TestGrantThatLeadsElsewhereIsNamedWithWhatWouldAllowIt(t *testing.T) {
	var out bytes.Buffer
	c := modgw.RunnerConfig{Descriptor: modgw.Descriptor{Owner: "shopteam"}, Log: slog.New(slog.NewTextHandler(&out, nil))}
	c.Descriptor.Sandbox = &modgw.Sandbox{}
	s := NewSandbox(c, nil)
	for range 2 { // the app has two workers
		s.denyMisled(sandbox.Misled{Path: "/app/link", Leads: "/srv/other", Write: true})
	}
	const want = `msg="denied by the sandbox" what="\"/app/link\", which leads to \"/srv/other\"" ` +
		`allow="tenant \"shopteam\" { ceilings { sandbox { write = [\"/srv/other\"] } } }"`
	if text := out.String(); !strings.Contains(text, want) || strings.Count(text, "\n") != 1 {
		t.Error(text)
	}
}
