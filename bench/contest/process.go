package contest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a process of a contestant, as shown in /proc.
type process struct {
	pid   int
	born  string // start time, which distinguishes it from a later process with the same ID
	cpu   time.Duration
	words string // its command line
}

// tick is the unit of CPU times in /proc: USER_HZ, which is 100 on every Linux.
const tick = 10 * time.Millisecond

// tree returns a process and its running descendants.
func tree(pid int) []process {
	p, ok := look(pid)
	if !ok {
		return nil
	}
	all := []process{p}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is right
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may have ended
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, tree(child)...)
			}
		}
	}
	return all
}

func look(pid int) (process, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	// The name of the program comes second, in parentheses, and may have any characters.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return process{}, false
	}
	user, _ := strconv.Atoi(fields[11]) // the kernel writes numbers
	system, _ := strconv.Atoi(fields[12])
	// empty for a process that has just ended
	words, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return process{
		pid: pid, born: fields[19], cpu: time.Duration(user+system) * tick,
		words: string(bytes.ReplaceAll(words, []byte{0}, []byte(" "))),
	}, true
}

func (p process) alive() bool {
	now, ok := look(p.pid)
	return ok && now.born == p.born
}

// role returns the role of a process.
func (p process) role() Role {
	switch {
	case strings.HasPrefix(p.words, "(wsgi:"):
		return WorkerRole
	case strings.HasPrefix(p.words, httpdProgram):
		return ApacheRole
	case strings.Contains(p.words, "modgw-host serve"):
		return HostRole
	}
	return WorkerRole
}

// memory returns the memory of the process in bytes. Shared memory is divided among the processes
// that share it.
func (p process) memory() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if after, ok := strings.CutPrefix(line, "Pss:"); ok {
			// the kernel writes a number
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(after), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}
