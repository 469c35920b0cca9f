package addressfilter

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Filter applies to a group, and to the groups below it, as long as the group exists.
type Filter struct {
	programs []attached
	ring     *ring
}

// attached is a program for one hook.
type attached struct {
	kind uint32 // BPF_CGROUP_…
	fd   int
}

// New loads the programs that enforce the rules. denied is called, from a single goroutine, for
// attempts that no rule grants; if there are very many, some are left out. The caller must call
// Close.
func New(rules []Rule, denied func(Attempt)) (*Filter, error) {
	ring, err := newRing()
	if err != nil {
		return nil, fmt.Errorf("cannot make a ring buffer of the kernel: %w", err)
	}
	go ring.watch(denied)
	f := &Filter{ring: ring}
	for _, hook := range []struct {
		kind   uint32
		family family
	}{
		{unix.BPF_CGROUP_INET4_CONNECT, fourth}, {unix.BPF_CGROUP_INET6_CONNECT, sixth},
		{unix.BPF_CGROUP_UDP4_SENDMSG, fourth}, {unix.BPF_CGROUP_UDP6_SENDMSG, sixth},
	} {
		fd, err := load(filter(hook.family, rules, ring.fd()), hook.kind)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("cannot load a program into the kernel: %w", err)
		}
		f.programs = append(f.programs, attached{hook.kind, fd})
	}
	return f, nil
}

// Attach applies the filter to the group whose folder is open as a descriptor, in addition to the
// filters of the groups above it.
func (f *Filter) Attach(group int) error {
	const together = unix.BPF_F_ALLOW_MULTI // in addition to other programs
	for _, p := range f.programs {
		attr := struct{ target, program, kind, flags uint32 }{uint32(group), uint32(p.fd), p.kind, together}
		if _, err := bpf(unix.BPF_PROG_ATTACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
			return fmt.Errorf("cannot filter what a group connects to: %w", err)
		}
	}
	return nil
}

// Close ends the reports. Groups to which the filter was attached keep it.
func (f *Filter) Close() {
	for _, p := range f.programs {
		unix.Close(p.fd)
	}
	f.ring.close()
}

// load loads a program for one hook.
func load(p program, kind uint32) (int, error) {
	license := [...]byte{'A', 'p', 'a', 'c', 'h', 'e', 0}
	attr := struct {
		kind, count           uint32
		instructions, license unsafe.Pointer
		logLevel, logSize     uint32
		log                   uint64
		kernel, flags         uint32
		name                  [16]byte
		device, attachKind    uint32
	}{
		kind: unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, count: uint32(len(p)), instructions: unsafe.Pointer(&p[0]),
		license: unsafe.Pointer(&license), name: [16]byte{'m', 'o', 'd', 'g', 'w'}, attachKind: kind,
	}
	return bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
}

func bpf(command int, attr unsafe.Pointer, size uintptr) (int, error) {
	fd, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(command), uintptr(attr), size)
	if errno != 0 {
		return -1, os.NewSyscallError("bpf", errno)
	}
	return int(fd), nil
}
