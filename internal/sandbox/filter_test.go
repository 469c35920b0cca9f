package sandbox

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// TestFilterOfSystemCalls runs the filter as the kernel would, in memory.
func TestFilterOfSystemCalls(t *testing.T) {
	if nativeArch == 0 {
		t.Skip("there is no filter for this architecture")
	}
	type call struct {
		number uintptr
		args   []uint32
	}
	socket := func(args ...uint32) call { return call{unix.SYS_SOCKET, args} }
	for name, c := range map[string]struct {
		call
		closed, listed, open uint32
	}{
		"reading":             {call{unix.SYS_READ, nil}, allow, allow, allow},
		"a program":           {call{unix.SYS_EXECVE, nil}, allow, allow, allow},
		"another process":     {call{unix.SYS_PTRACE, nil}, deny, deny, deny},
		"a mount":             {call{unix.SYS_MOUNT, nil}, deny, deny, deny},
		"io_uring":            {call{unix.SYS_IO_URING_SETUP, nil}, deny, deny, deny},
		"a thread":            {call{unix.SYS_CLONE, []uint32{unix.CLONE_VM | unix.CLONE_THREAD}}, allow, allow, allow},
		"a user namespace":    {call{unix.SYS_CLONE, []uint32{unix.CLONE_NEWUSER | uint32(unix.SIGCHLD)}}, deny, deny, deny},
		"clone3":              {call{unix.SYS_CLONE3, nil}, absent, absent, absent},
		"typing":              {call{unix.SYS_IOCTL, []uint32{0, unix.TIOCSTI}}, deny, deny, deny},
		"the terminal's size": {call{unix.SYS_IOCTL, []uint32{0, unix.TIOCGWINSZ}}, allow, allow, allow},
		"a Unix socket":       {socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0), allow, allow, allow},
		"TCP":                 {socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0), allow, allow, allow},
		"TCP by its number":   {socket(unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_TCP), allow, allow, allow},
		"MPTCP":               {socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP), noProtocol, noProtocol, allow},
		"UDP":                 {socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0), deny, allow, allow},
		"UDP by its number":   {socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDP), deny, allow, allow},
		"echo requests":       {socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP), deny, noProtocol, allow},
		"raw packets":         {socket(unix.AF_INET, unix.SOCK_RAW, 1), deny, deny, allow},
		"packets of a device": {socket(unix.AF_PACKET, unix.SOCK_RAW, 0), noFamily, noFamily, noFamily},
		"virtual machines":    {socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0), noFamily, noFamily, noFamily},
		"list of addresses":   {socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE), allow, allow, allow},
		"audit messages":      {socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT), noProtocol, noProtocol, noProtocol},
		"sending":             {call{unix.SYS_SENDTO, []uint32{3, 0, 0, unix.MSG_NOSIGNAL}}, allow, allow, allow},
		"connecting by it":    {call{unix.SYS_SENDTO, []uint32{3, 0, 0, unix.MSG_FASTOPEN}}, deny, deny, allow},
	} {
		for network, want := range map[Network]uint32{Closed: c.closed, Listed: c.listed, Open: c.open} {
			if got := verdict(t, network, c.number, c.args); got != want {
				t.Errorf("%s, network %d: %#x, want %#x", name, network, got, want)
			}
		}
	}
	if got := run(t, callFilter(Open), nativeArch+1, unix.SYS_READ, nil); got != deny {
		t.Errorf("a call of another architecture: %#x", got)
	}
}

// verdict returns the result of both filters for a call: the kernel applies the stricter one.
func verdict(t *testing.T, network Network, call uintptr, args []uint32) uint32 {
	t.Helper()
	return min(run(t, callFilter(network), nativeArch, uint32(call), args), run(t, absentFilter(), nativeArch, uint32(call), args))
}

// TestFilterOfAnyLengthDecidesAboutEachCall halves lists whose halves are longer than a comparison
// can jump.
func TestFilterOfAnyLengthDecidesAboutEachCall(t *testing.T) {
	for _, size := range []int{1, 2, 127, 128, 129, 130, 700} {
		var decisions []decision
		for n := range size {
			decisions = append(decisions, decide(uintptr(2*n), func(p *program) { p.ret(uint32(n)) }))
		}
		long := program{}
		for range 300 {
			long.load(offsetCall)
		}
		decisions[size/2].then = append(long, decisions[size/2].then...)
		p := program{}
		p.load(offsetCall)
		p.choose(decisions)
		for n := range uint32(2 * size) {
			want := uint32(allow)
			if n%2 == 0 {
				want = n / 2
			}
			if got := run(t, p, nativeArch, n, nil); got != want {
				t.Fatalf("%d calls: call %d: %d, want %d", size, n, got, want)
			}
		}
	}
	if _, err := installFilter(make(program, maxInstructions+1), 0); err == nil {
		t.Error("a filter was installed that is longer than the kernel takes")
	}
}

// TestFilterDeniesTheListedCallsAndNoOthers checks every number that a call may have.
func TestFilterDeniesTheListedCallsAndNoOthers(t *testing.T) {
	if nativeArch == 0 {
		t.Skip("there is no filter for this architecture")
	}
	const numbers = 1024 // more than there are calls
	for number := range uint32(numbers) {
		want := uint32(allow)
		switch {
		case slices.ContainsFunc(deniedCalls, func(c namedCall) bool { return c.number == uintptr(number) }):
			want = deny
		case number == unix.SYS_CLONE3:
			want = absent
		case number == unix.SYS_SOCKET:
			continue // it depends on its arguments
		}
		if got := verdict(t, Listed, uintptr(number), nil); got != want {
			t.Errorf("call %d: %#x, want %#x", number, got, want)
		}
		if name := DeniedCall(uintptr(number)); want == deny && name == "" {
			t.Errorf("call %d is denied and has no name", number)
		}
	}
}

// run returns the result of a filter for a call.
func run(t *testing.T, p program, arch, number uint32, args []uint32) uint32 {
	t.Helper()
	raw := make([]bpf.RawInstruction, len(p))
	for i, in := range p {
		raw[i] = bpf.RawInstruction{Op: in.Code, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	filter, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("the filter has unknown instructions")
	}
	vm, err := bpf.NewVM(filter)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, offsetArgs+6*8) // in the order of bytes that the VM has
	binary.BigEndian.PutUint32(data[offsetCall:], number)
	binary.BigEndian.PutUint32(data[offsetArch:], arch)
	for i, arg := range args {
		binary.BigEndian.PutUint32(data[offsetArgs+8*i:], arg)
	}
	verdict, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(verdict)
}

func TestOlderKernelsAreAskedForWhatTheyKnow(t *testing.T) {
	for abi, want := range map[int]unix.LandlockRulesetAttr{
		1: {Handled_access_fs: 0x1fff},
		2: {Handled_access_fs: 0x3fff},
		3: {Handled_access_fs: 0x7fff},
		4: {Handled_access_fs: 0x7fff, Handled_access_net: 3},
		5: {Handled_access_fs: 0xffff, Handled_access_net: 3},
		6: {Handled_access_fs: 0xffff, Handled_access_net: 3, Scoped: 3},
		9: {Handled_access_fs: 0xffff, Handled_access_net: 3, Scoped: 3},
	} {
		if got := handled(abi); got != want {
			t.Errorf("version %d: %+v, want %+v", abi, got, want)
		}
	}
}
