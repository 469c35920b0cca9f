package cgroup

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Limits are limits for all processes of a group together. A zero field sets no limit.
type Limits struct {
	Memory int64 // bytes; the kernel ends a process when it needs more
	// bytes; beyond, processes are slowed down and their memory is taken back first
	MemorySoft int64
	CPU        float64 // processors: 0.5 is half of one
	CPUWeight  int     // 1 to 10000, 100 being usual: its share when all want more than there is
	Processes  int     // processes and threads
	IOWeight   int     // 1 to 10000, 100 being usual: its share of the disks
}

// Bounded reports whether there is a limit.
func (l Limits) Bounded() bool { return l != Limits{} }

// Controller is a part of the kernel that limits one resource.
type Controller string

// The controllers, by their names in version 2.
const (
	Memory    Controller = "memory"
	CPU       Controller = "cpu"
	Processes Controller = "pids"
	IO        Controller = "io"
)

// Controllers returns all controllers that this package uses.
func Controllers() []Controller { return []Controller{Memory, CPU, Processes, IO} }

// setting is a file of a group, and the value to write to it.
type setting struct {
	file, value string
	optional    bool // some kernels do not have the file
}

// period is the period of the CPU quota, in microseconds.
const period = 100_000

// settings2 returns the settings of a controller in version 2.
func (l Limits) settings2(c Controller) []setting {
	switch c {
	case Memory:
		return []setting{
			{"memory.high", orMax(l.MemorySoft), false}, {"memory.max", orMax(l.Memory), false},
			// A memory limit alone would be ineffective if there is swap space.
			{"memory.swap.max", swap(l.Memory), true},
		}
	case CPU:
		quota := "max"
		if l.CPU > 0 {
			quota = strconv.Itoa(max(1000, int(l.CPU*period)))
		}
		return []setting{{"cpu.max", fmt.Sprintf("%s %d", quota, period), false}, {"cpu.weight", strconv.Itoa(orUsual(l.CPUWeight)), false}}
	case Processes:
		return []setting{{"pids.max", orMax(int64(l.Processes)), false}}
	case IO:
		return []setting{{"io.weight", fmt.Sprintf("default %d", orUsual(l.IOWeight)), true}}
	}
	return nil
}

// settings1 returns the settings of a controller in version 1.
func (l Limits) settings1(c Controller) []setting {
	switch c {
	case Memory:
		return []setting{
			{"memory.soft_limit_in_bytes", orMinusOne(l.MemorySoft), false}, {"memory.limit_in_bytes", orMinusOne(l.Memory), false},
		}
	case CPU:
		quota := -1
		if l.CPU > 0 {
			quota = max(1000, int(l.CPU*period))
		}
		shares := int(math.Round(float64(orUsual(l.CPUWeight)) * 1024 / 100))
		return []setting{
			{"cpu.cfs_period_us", strconv.Itoa(period), false}, {"cpu.cfs_quota_us", strconv.Itoa(quota), false},
			{"cpu.shares", strconv.Itoa(max(2, shares)), false},
		}
	case Processes:
		return []setting{{"pids.max", orMax(int64(l.Processes)), false}}
	case IO:
		weight := min(1000, max(10, orUsual(l.IOWeight))) // narrower than in version 2
		return []setting{{"blkio.bfq.weight", strconv.Itoa(weight), true}, {"blkio.weight", strconv.Itoa(weight), true}}
	}
	return nil
}

func orMax(n int64) string {
	if n <= 0 {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}

func orMinusOne(n int64) string {
	if n <= 0 {
		return "-1"
	}
	return strconv.FormatInt(n, 10)
}

func swap(memory int64) string {
	if memory <= 0 {
		return "max"
	}
	return "0"
}

func orUsual(weight int) int {
	if weight <= 0 {
		return 100
	}
	return weight
}

// apply writes settings into the files of a folder.
func apply(dir string, settings []setting) error {
	for _, s := range settings {
		err := os.WriteFile(filepath.Join(dir, s.file), []byte(s.value), 0)
		if err != nil && !s.optional {
			return fmt.Errorf("cannot set %s to %s: %w", s.file, strings.TrimSpace(s.value), err)
		}
	}
	return nil
}
