package proc

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mostRanges is how many ranges of addresses one call takes: IOV_MAX of the kernel.
const mostRanges = 1024

// addressRange is what the kernel calls an iovec, of another process's memory.
type addressRange struct{ start, length uintptr }

// pageOut asks the kernel to move the private writable memory of a process to swap, as maps, its
// file in /proc, lists it (process_madvise(2), Linux 5.10). It leaves what other processes share.
// A kernel that cannot do it does nothing.
func pageOut(ctx context.Context, maps string, pid int) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return // it has ended
	}
	defer unix.Close(fd)
	ranges := writableRanges(maps)
	for len(ranges) > 0 && ctx.Err() == nil {
		some := ranges[:min(len(ranges), mostRanges)]
		done, _, errno := unix.Syscall6(unix.SYS_PROCESS_MADVISE, uintptr(fd), uintptr(unsafe.Pointer(&some[0])),
			uintptr(len(some)), unix.MADV_PAGEOUT, 0, 0)
		switch errno {
		case 0:
			ranges = after(ranges, done)
		case unix.EINVAL, unix.ENOMEM: // the first range is locked, or is not there any more
			ranges = ranges[1:]
		default:
			return
		}
	}
}

// after returns the ranges that are left when so many bytes of them are done. One that was begun is
// left out: what follows in it cannot be done.
func after(ranges []addressRange, done uintptr) []addressRange {
	for i, r := range ranges {
		if done < r.length {
			return ranges[i+1:]
		}
		if done -= r.length; done == 0 {
			return ranges[i+1:]
		}
	}
	return nil
}

// writableRanges are the private writable ranges that a file of /proc lists (proc_pid_maps(5)).
func writableRanges(maps string) (ranges []addressRange) {
	file, err := os.Open(maps)
	if err != nil {
		return nil
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var start, end uintptr
		var rights string
		n, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &start, &end, &rights)
		if err == nil && n == 3 && end > start && strings.HasPrefix(rights, "rw") && strings.HasSuffix(rights, "p") {
			ranges = append(ranges, addressRange{start, end - start})
		}
	}
	return ranges
}

// hasSwap reports whether the machine has swap, on a disk or as compressed memory.
func hasSwap() bool {
	var info unix.Sysinfo_t
	return unix.Sysinfo(&info) == nil && info.Totalswap > 0
}
