package scaling

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"time"
)

const (
	// reserveShare is the share of the machine's memory that is not for more workers, unless
	// leastReserve is more.
	reserveShare = 0.05
	leastReserve = 64 << 20

	ticksPerSecond = 100 // USER_HZ on all architectures that Go has
)

// meter measures the machine. Its zero value is ready to use.
type meter struct {
	busy time.Duration // processor time of all programs at the last reading
	at   time.Time     // time of the last reading; zero: none
}

// read measures the machine since the last call. A resource that the kernel does not report counts
// as sufficient.
func (m *meter) read(now time.Time) Machine {
	machine := Machine{Processors: float64(runtime.NumCPU())}
	stat, err := os.ReadFile("/proc/stat")
	if busy, ok := busyTime(stat); err == nil && ok {
		if span := now.Sub(m.at); !m.at.IsZero() && span > 0 {
			machine.Busy = (busy - m.busy).Seconds() / span.Seconds()
		}
		m.busy, m.at = busy, now
	}
	info, err := os.ReadFile("/proc/meminfo")
	total, available := memory(info, "MemTotal:"), memory(info, "MemAvailable:")
	if err != nil || available == 0 {
		available = 1 << 62
	}
	machine.Available = available
	machine.Reserve = max(leastReserve, int64(reserveShare*float64(total)))
	if text, err := os.ReadFile("/proc/pressure/memory"); err == nil { // PSI, Linux 4.20
		machine.Stalled = stalledShare(text)
	}
	return machine
}

// busyTime returns the processor time of all programs from /proc/stat (proc_stat(5)).
func busyTime(stat []byte) (time.Duration, bool) {
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 || string(fields[0]) != "cpu" {
		return 0, false
	}
	var ticks int64
	for i, field := range fields[1:9] {
		const idle, ioWait, stolen = 3, 4, 7
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, false
		}
		if i != idle && i != ioWait && i != stolen {
			ticks += n
		}
	}
	return time.Duration(ticks) * (time.Second / ticksPerSecond), true
}

// memory returns a line of /proc/meminfo in bytes, or 0 if it is missing.
func memory(info []byte, name string) int64 {
	for line := range bytes.Lines(info) {
		if fields := bytes.Fields(line); len(fields) > 1 && string(fields[0]) == name {
			n, _ := strconv.ParseInt(string(fields[1]), 10, 64)
			return n << 10
		}
	}
	return 0
}

// stalledShare returns the share of the last ten seconds in which some program waited.
func stalledShare(pressure []byte) float64 {
	line, _, _ := bytes.Cut(pressure, []byte("\n"))
	for field := range bytes.FieldsSeq(line) {
		if value, ok := bytes.CutPrefix(field, []byte("avg10=")); ok {
			percent, _ := strconv.ParseFloat(string(value), 64)
			return percent / 100
		}
	}
	return 0
}
