package ballast

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseProgram drops the unmodified pages of the program's own file from the process's memory.
// Most of them are code and tables that only start-up needed. Pages that are needed again come back
// from the page cache, at one page fault for several pages.
func releaseProgram() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer smaps.Close()
	mappings, err := unchanged(smaps, program)
	for _, m := range mappings {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED); errno != 0 {
			return os.NewSyscallError("madvise", errno)
		}
	}
	return err
}

// mapping is where a part of a file is in memory.
type mapping struct{ from, to uintptr }

// unchanged are the mappings of a file that cannot be written to and hold nothing else than the
// file, in text as in proc_pid_smaps(5).
func unchanged(smaps io.Reader, file string) (found []mapping, err error) {
	var m mapping
	readOnly := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		line := lines.Text()
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 5 && strings.Contains(fields[0], "-"):
			if _, err := fmt.Sscanf(line, "%x-%x", &m.from, &m.to); err != nil {
				return nil, fmt.Errorf("cannot read %q: %w", line, err)
			}
			readOnly = strings.HasSuffix(line, " "+file) && (fields[1] == "r-xp" || fields[1] == "r--p")
		case readOnly && len(fields) == 3 && fields[0] == "Anonymous:" && fields[1] == "0":
			found = append(found, m)
		}
	}
	return found, lines.Err()
}
