package report

import (
	"os"
	"runtime"
	"strings"
)

// Machine describes the machine of the run.
type Machine struct {
	CPU    string // model of the processor
	Cores  int    // number of processors
	Memory string // size of the memory, with its unit
	Kernel string // name and release of the kernel
	Load   string // load average of the last minute before the run: the other load on the machine
}

// ThisMachine describes the machine that this program runs on.
func ThisMachine() Machine {
	return Machine{
		CPU: field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Memory: field("/proc/meminfo", "MemTotal"),
		Kernel: strings.TrimSpace(read("/proc/sys/kernel/osrelease")), Load: first(read("/proc/loadavg")),
	}
}

func field(file, name string) string {
	for line := range strings.Lines(read(file)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func first(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

func read(file string) string {
	text, _ := os.ReadFile(file) // an unknown value stays empty
	return string(text)
}
