package kernelaudit

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// stamp begins each record.
const stamp = "audit(1795929450.030:1862): "

// TestRecordsOfTheKernelAreRead has records as Linux 6.18 writes them.
func TestRecordsOfTheKernelAreRead(t *testing.T) {
	const seccomp = `auid=4294967295 uid=0 gid=0 ses=4294967295 pid=21411 comm="python3" exe="/usr/bin/python3.11" sig=0 ` +
		`arch=c000003e syscall=101 compat=0 ip=0x7fd22411d34a `
	access := func(d Denial) record { return record{typeAccess, "1795929450.030:1862", 0x1d2be3f34, false, d} }
	for text, want := range map[string]record{
		`domain=1d2be3f34 blockers=fs.read_file path="/etc/shadow" dev="vda" ino=737`:                    access(Denial{Path: "/etc/shadow"}),
		`domain=1d2be3f34 blockers=fs.read_dir path="/srv" dev="vda" ino=246945`:                         access(Denial{Path: "/srv"}),
		`domain=1d2be3f34 blockers=fs.make_reg path="/etc" dev="vda" ino=19`:                             access(Denial{Path: "/etc", Change: true}),
		`domain=1d2be3f34 blockers=fs.read_file,fs.write_file path="/etc/x" dev="vda" ino=19`:            access(Denial{Path: "/etc/x", Change: true}),
		`domain=1d2be3f34 blockers=fs.read_file path=2F612062 dev="vda" ino=19`:                          access(Denial{Path: "/a b"}),
		`domain=1d2be3f34 blockers=fs.read_file path="anon_inode:[x]" dev="x" ino=19`:                    access(Denial{}),
		`domain=1d2be3f34 blockers=net.connect_tcp daddr=127.0.0.1 dest=81`:                              access(Denial{Kind: Connect, To: netip.MustParseAddrPort("127.0.0.1:81")}),
		`domain=1d2be3f34 blockers=net.connect_tcp daddr=::1 dest=81`:                                    access(Denial{Kind: Connect, To: netip.MustParseAddrPort("[::1]:81")}),
		`domain=1d2be3f34 blockers=net.connect_tcp daddr=::ffff:10.0.0.5 dest=81`:                        access(Denial{Kind: Connect, To: netip.MustParseAddrPort("10.0.0.5:81")}),
		`domain=1d2be3f34 blockers=net.bind_tcp saddr=127.0.0.1 src=82`:                                  access(Denial{Kind: Listen, Port: 82}),
		`domain=1d2be3f34 blockers=scope.signal opid=1 ocomm="init"`:                                     access(Denial{Kind: Signal}),
		`domain=1d2be3f34 blockers=scope.abstract_unix_socket path=00616263`:                             access(Denial{Kind: Abstract}),
		`domain=1d2be3f34 blockers=ptrace opid=1 ocomm="init"`:                                           access(Denial{Kind: Trace}),
		`domain=1d2be3f34 blockers=fs.change_topology name="/" dev="tmpfs" ino=1`:                        access(Denial{Kind: Mount}),
		`domain=1d2be3f34 blockers=fs.read_file path="/a" domain=2 path="/b"`:                            access(Denial{Path: "/a"}),
		`domain=1d2be3f34 blockers=net.connect_tcp`:                                                      {},
		`domain=1d2be3f34 blockers=of.tomorrow path="/etc"`:                                              {},
		`blockers=fs.read_file path="/etc/shadow"`:                                                       {},
		"domain=1d2be3f34 status=allocated mode=enforcing pid=21411 uid=0 exe=\"/bin/a\" comm=\"a\"\x00": {typeDomain, "1795929450.030:1862", 0x1d2be3f34, false, Denial{PID: 21411}},
		`domain=1d2be3f34 status=deallocated denials=3`:                                                  {typeDomain, "1795929450.030:1862", 0x1d2be3f34, true, Denial{}},
		seccomp + "code=0x50000":    {typeSeccomp, "1795929450.030:1862", 0, false, Denial{PID: 21411, Kind: Call, Call: 101}},
		seccomp + "code=0x7ffc0000": {}, // it was written down and allowed
		`arch=c000003e syscall=257 success=no exit=-13 ppid=21368 pid=21411 comm="a"`: {typeCall, "1795929450.030:1862", 0, false, Denial{PID: 21411}},
	} {
		kind := uint16(typeAccess)
		switch {
		case strings.Contains(text, "status="):
			kind = typeDomain
		case strings.Contains(text, "code="):
			kind = typeSeccomp
		case strings.Contains(text, "success="):
			kind = typeCall
		}
		got, ok := parse(kind, []byte(stamp+text))
		if ok != (want.kind != 0) || ok && got != want {
			t.Errorf("%s:\n %+v %v, want\n %+v", text, got, ok, want)
		}
	}
	if _, ok := parse(unix.AUDIT_EOE, []byte(stamp)); ok {
		t.Error("the end of an event is a denial")
	}
}

// TestDenialsAreThoseOfTheCaller uses an event that names its processes once, later events of the
// same domain, an event of a domain that existed before, and events in which a process other than
// the confined one makes the system call.
func TestDenialsAreThoseOfTheCaller(t *testing.T) {
	var e events
	type process struct {
		pid    int
		domain uint64
		owner  int
	}
	const call = `: arch=c000003e syscall=257 pid=`
	for n, c := range []struct {
		records []string
		want    []process
		waits   bool // for the process
	}{
		{[]string{
			"access", `audit(1:0): domain=a blockers=fs.read_file path="/a"`,
		}, nil, true},
		{[]string{
			"access", `audit(1:1): domain=a blockers=fs.read_file path="/a"`,
			"domain", `audit(1:1): domain=a status=allocated mode=enforcing pid=7 comm="a"`,
			"call", `audit(1:1)` + call + "8",
		}, []process{{8, 0xa, 7}}, false},
		{[]string{"access", `audit(1:2): domain=a blockers=fs.read_file path="/b"`}, []process{{0, 0xa, 7}}, false},
		{[]string{
			"access", `audit(1:3): domain=b blockers=fs.read_file path="/b"`, "call", `audit(1:3)` + call + "9",
		}, []process{{9, 0xb, 0}}, false},
		{[]string{"access", `audit(1:4): domain=b blockers=fs.read_file path="/b"`}, nil, true},
		{[]string{
			"access", `audit(1:5): domain=a blockers=scope.signal opid=1`, "call", `audit(1:5)` + call + "9",
			"access", `audit(1:6): domain=a blockers=ptrace opid=1`, "call", `audit(1:6)` + call + "9",
		}, []process{{0, 0xa, 7}, {0, 0xa, 7}}, false},
		{[]string{
			"access", `audit(1:7): domain=a blockers=fs.read_file path="/b"`, "domain", `audit(1:8): domain=a status=deallocated denials=3`,
		}, []process{{0, 0xa, 7}}, false},
		{[]string{"access", `audit(1:9): domain=a blockers=fs.read_file path="/b"`}, nil, true},
	} {
		var records []record
		for at := 0; at < len(c.records); at += 2 {
			kind := map[string]uint16{"access": typeAccess, "domain": typeDomain, "call": typeCall}[c.records[at]]
			if r, ok := parse(kind, []byte(c.records[at+1])); ok {
				records = append(records, r)
			}
		}
		if waits := e.wantsMore(records); waits != c.waits {
			t.Errorf("event %d: waits %v", n, waits)
		}
		var got []process
		for _, d := range e.denials(records) {
			got = append(got, process{d.PID, d.Domain, d.Owner})
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("event %d: of processes %v, want %v", n, got, c.want)
		}
	}
	for domain := range uint64(3 * maxDomains) {
		e.remember(domain+1, 1)
	}
	if len(e.owners) > maxDomains {
		t.Errorf("%d domains are remembered", len(e.owners))
	}
}

func TestAnswersOfTheKernelAreRead(t *testing.T) {
	answer := func(kind uint16, words ...uint32) []byte {
		message := make([]byte, headerSize)
		binary.NativeEndian.PutUint16(message[4:], kind)
		for _, w := range words {
			message = binary.NativeEndian.AppendUint32(message, w)
		}
		return message
	}
	for name, c := range map[string]struct {
		answer  []byte
		enabled bool
		err     error
	}{
		"off":       {answer(unix.AUDIT_GET, 0, 0, 1), false, nil},
		"on":        {answer(unix.AUDIT_GET, 0, 1, 1), true, nil},
		"locked on": {answer(unix.AUDIT_GET, 0, 2, 1), true, nil},
		"refused":   {answer(unix.NLMSG_ERROR, ^uint32(unix.EPERM)+1, 0), false, unix.EPERM},
		"short":     {answer(unix.AUDIT_GET), false, unix.EBADMSG},
		"another":   {answer(unix.NLMSG_DONE, 0, 0), false, unix.EBADMSG},
	} {
		if enabled, err := enabledIn(c.answer); enabled != c.enabled || err != c.err {
			t.Errorf("%s: %v %v", name, enabled, err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(uint16(typeAccess), []byte(stamp+`domain=1d2be3f34 blockers=fs.read_file path=2F612062`))
	f.Add(uint16(typeSeccomp), []byte(stamp+`pid=1 syscall=101 code=0x50000`))
	f.Add(uint16(typeDomain), []byte(stamp+`domain=1 status=allocated pid=4`))
	f.Fuzz(func(t *testing.T, kind uint16, text []byte) {
		r, ok := parse(kind, text)
		if !ok {
			return
		}
		d := r.denial
		if d.PID < 0 || d.Path != "" && (d.Path[0] != '/' || strings.ContainsRune(d.Path, 0)) {
			t.Errorf("%q became %+v", text, r)
		}
		var e events
		for _, d := range e.denials([]record{r}) {
			if d.PID <= 0 && d.Owner <= 0 {
				t.Errorf("%q is a denial without a process: %+v", text, d)
			}
		}
	})
}
