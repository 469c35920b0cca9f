package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/procfs"
)

// ProcessorTime returns the processor time that a process has used, or false if it is unknown.
func ProcessorTime(pid int) (time.Duration, bool) {
	seconds, ok := cpuOf(pid)
	return time.Duration(seconds * float64(time.Second)), ok
}

// cpuOf returns the processor time that a process has used, in seconds.
func cpuOf(pid int) (seconds float64, ok bool) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, false
	}
	stat, err := p.Stat()
	if err != nil {
		return 0, false
	}
	return stat.CPUTime(), true
}

// State is the state of a process in the kernel.
type State int

// The states.
const (
	Running         State = iota // it is executed, or waits for something that a signal ends
	Stopped                      // by a signal or a debugger
	Uninterruptible              // a thread waits for a disk, for example, and no signal ends that
)

// StateOf returns the state of a process, or Running if it is unknown.
func StateOf(pid int) State {
	threads, err := procfs.AllThreads(pid)
	if err != nil {
		return Running
	}
	state := Running
	for _, t := range threads {
		stat, err := t.Stat()
		switch {
		case err != nil: // it has ended
		case stat.State == "T" || stat.State == "t":
			return Stopped
		case stat.State == "D":
			state = Uninterruptible
		}
	}
	return state
}

// OpenFiles returns the number of this process's open file descriptors, and their limit. Both are 0
// if unknown.
func OpenFiles() (open, most int) {
	p, err := procfs.Self()
	if err != nil {
		return 0, 0
	}
	limits, err := p.Limits()
	if err != nil {
		return 0, 0
	}
	if open, err = p.FileDescriptorsLen(); err != nil {
		return 0, 0
	}
	return open, int(min(limits.OpenFiles, 1<<30))
}

// memoryAge is the maximum age of a measured size. The kernel walks through all pages of a process
// to determine its share of them, which takes milliseconds for a large one.
const memoryAge = 5 * time.Second

// memory measures processes, each at most once in memoryAge. Its zero value has measured none.
type memory struct {
	mu       sync.Mutex
	measured map[int]measurement // by process id
}

// measurement is the size of a process at a time.
type measurement struct {
	at    time.Time
	bytes uint64
	ok    bool
}

// of returns the proportional size of a process in bytes.
func (m *memory) of(pid int) (bytes uint64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if found := m.measured[pid]; now.Sub(found.at) < memoryAge {
		return found.bytes, found.ok
	}
	for pid, old := range m.measured {
		if now.Sub(old.at) >= memoryAge {
			delete(m.measured, pid)
		}
	}
	if m.measured == nil {
		m.measured = map[int]measurement{}
	}
	p, err := procfs.NewProc(pid)
	if err == nil {
		var rollup procfs.ProcSMapsRollup
		if rollup, err = p.ProcSMapsRollup(); err == nil {
			bytes = rollup.Pss
		}
	}
	m.measured[pid] = measurement{now, bytes, err == nil}
	return bytes, err == nil
}
