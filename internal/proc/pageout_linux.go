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

// mostRanges is the maximum number of address ranges per call: the kernel's IOV_MAX.
const mostRanges = 1024

// addressRange has the layout of the kernel's iovec, and refers to the memory of another process.
type addressRange struct{ start, length uintptr }

// pageOut asks the kernel to move the private writable memory of a process to swap
// (process_madvise(2), Linux 5.10). maps is the file in /proc that lists the process's memory.
// Memory that is shared with other processes stays. If the kernel does not support it, pageOut has
// no effect.
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

// after returns the ranges that remain when the first done bytes are done. A partially done range
// is left out, because the rest of it cannot be paged out.
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

// writableRanges returns the private writable ranges in a file of /proc (proc_pid_maps(5)).
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
