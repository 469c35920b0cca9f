package proc

import (
	"time"

	"github.com/prometheus/procfs"
)

// CPUTime returns the processor time that a process has used, or 0 if it has ended.
func CPUTime(pid int) time.Duration {
	return time.Duration(statNow(pid).CPUTime() * float64(time.Second))
}

// ResidentMemory returns the resident memory of a process in bytes, or 0 if it has ended.
func ResidentMemory(pid int) int64 { return int64(statNow(pid).ResidentMemory()) }

// statNow returns the statistics of a process, or zero values if it has ended.
func statNow(pid int) procfs.ProcStat {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return procfs.ProcStat{}
	}
	stat, _ := p.Stat()
	return stat
}
