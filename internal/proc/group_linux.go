package proc

import (
	"os"
	"strconv"
)

// Group returns the IDs of the processes in a process group, which is named by the ID of its
// leader. Processes that end or start meanwhile may or may not be included.
func Group(leader int) (members []int) {
	const group = 1 // of the fields after the state: ppid, pgrp
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if _, fields := statOf(pid); len(fields) > group && fields[group] == strconv.Itoa(leader) {
			members = append(members, pid)
		}
	}
	return members
}
