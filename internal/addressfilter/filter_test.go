package addressfilter

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// triesVariable is the environment variable that makes the test program a process in the group, and
// lists the addresses that it tries.
const triesVariable = "MODGW_TEST_TRIES"

// TestMain tries addresses if triesVariable is set, and otherwise runs the tests.
func TestMain(m *testing.M) {
	if tries := os.Getenv(triesVariable); tries != "" {
		for try := range strings.FieldsSeq(tries) {
			network, address, _ := strings.Cut(try, "=")
			fmt.Printf("%s %s\n", try, reach(network, address))
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// reach tries an address. The result is "denied" by a filter, or "let through", which requires no
// answer. "send" is a datagram from an unconnected socket.
func reach(network, address string) string {
	var err error
	if network == "send" {
		var conn net.PacketConn
		if conn, err = net.ListenPacket("udp", ""); err == nil {
			to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address))
			_, err = conn.WriteTo([]byte("x"), to)
			conn.Close()
		}
	} else {
		var conn net.Conn
		if conn, err = net.DialTimeout(network, address, 10*time.Second); err == nil {
			conn.Close()
		}
	}
	if errors.Is(err, syscall.EPERM) {
		return "denied"
	}
	return "let through"
}

// TestGroupReachesGrantedAddressesAlone has a process try addresses of both families. The process
// is in its own network namespace, which contains only the machine itself.
func TestGroupReachesGrantedAddressesAlone(t *testing.T) {
	t.Parallel()
	group := newGroup(t)
	denied := make(chan Attempt, 100)
	filter, err := New([]Rule{
		{netip.MustParsePrefix("127.1.0.0/16"), 8080}, {netip.MustParsePrefix("127.2.0.1/32"), 0},
		{netip.MustParsePrefix("fd00:1::/35"), 8080}, {netip.Prefix{}, 9999}, {netip.MustParsePrefix("0.0.0.0/0"), 7777},
	}, func(a Attempt) { denied <- a })
	if errors.Is(err, unix.EPERM) {
		t.Skip("this process may load no programs into the kernel")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer filter.Close()
	if err := filter.Attach(int(group.Fd())); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"tcp=127.1.2.3:8080": "let through", "tcp=127.1.2.3:8081": "denied", "tcp=127.3.2.3:8080": "denied",
		"tcp=127.2.0.1:1": "let through", "tcp=127.2.0.2:1": "denied", "tcp=127.9.9.9:9999": "let through",
		"tcp=[::1]:9999": "let through", "tcp=[::1]:8080": "denied", "tcp=127.9.9.9:7777": "let through", "tcp=[::1]:7777": "denied",
		"tcp=[fd00:1:1fff::1]:8080": "let through", "tcp=[fd00:1:2000::1]:8080": "denied",
		"udp=127.1.2.3:8080": "let through", "udp=127.3.2.3:8080": "denied", "udp=127.3.2.3:53": "let through",
		"tcp=127.3.2.3:53": "denied", "send=127.1.2.3:8080": "let through", "send=127.3.2.3:8082": "denied",
		"send=[::1]:8083": "denied", "send=127.3.2.3:53": "let through",
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tries := make([]string, 0, len(want))
	for try := range want {
		tries = append(tries, try)
	}
	cmd := exec.Command(program)
	cmd.Env = []string{triesVariable + "=" + strings.Join(tries, " ")}
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd()), Cloneflags: unix.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	reported := map[Attempt]bool{}
	for line := range strings.Lines(string(out)) {
		try, got, _ := strings.Cut(strings.TrimSpace(line), " ")
		if got != want[try] {
			t.Errorf("%s is %s, want %s", try, got, want[try])
		}
		delete(want, try)
		if network, address, _ := strings.Cut(try, "="); got == "denied" {
			reported[Attempt{netip.MustParseAddrPort(address), network != "tcp"}] = true
		}
	}
	if len(want) > 0 {
		t.Errorf("not tried: %v\n%s", want, out)
	}
	deadline := time.After(time.Minute)
	for len(reported) > 0 {
		select {
		case a := <-denied:
			if !reported[a] {
				t.Errorf("%v is reported, which was not denied", a)
			}
			delete(reported, a)
		case <-deadline:
			t.Fatalf("not reported: %v", reported)
		}
	}
}

// newGroup makes a group of version 2.
func newGroup(t *testing.T) *os.File {
	t.Helper()
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err != nil {
			continue
		}
		dir, err := os.MkdirTemp(root, "modgw-test-")
		if err != nil {
			break
		}
		t.Cleanup(func() { os.Remove(dir) })
		folder, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { folder.Close() })
		return folder
	}
	t.Skip("this process can make no control groups")
	return nil
}

// TestProgramHasWhatItsFamilyNeeds compares programs by their lengths.
func TestProgramHasWhatItsFamilyNeeds(t *testing.T) {
	t.Parallel()
	p := filter(fourth, []Rule{{netip.MustParsePrefix("10.0.0.0/8"), 5432}}, -1)
	if slices.ContainsFunc(p, func(in instruction) bool { return in.code == call }) {
		t.Error("a program without a ring writes into one")
	}
	if len(filter(fourth, []Rule{{netip.MustParsePrefix("fd00::/8"), 1}}, -1)) != len(filter(fourth, nil, -1)) {
		t.Error("a rule for IPv6 is in the program for IPv4")
	}
}
