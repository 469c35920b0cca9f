package export

import (
	"fmt"

	"github.com/modgw/modgw/modgw"
)

// notes are the parts of a descriptor that an engine cannot do, and the steps that are needed in
// addition to the file. Each is one line of a comment; variable parts are quoted.
type notes []string

func (n *notes) add(format string, args ...any) { *n = append(*n, fmt.Sprintf(format, args...)) }

// unwatched notes that no engine reloads changed files.
func (n *notes) unwatched(reload string) { n.add("Files are not watched: %s.", reload) }

// idle notes that the engine does not let apps sleep or stop without requests.
func (n *notes) idle(d modgw.Descriptor) {
	if d.Idle.SleepAfter > 0 {
		n.add("idle { sleep_after }: the app stays awake where the host may not write its control group.")
	}
	if d.Idle.StopAfter > 0 {
		n.add("idle { stop_after }: the workers stop, and the host process and its engine stay.")
	}
}

// images notes the parts of the descriptor's machine that an image lacks.
func (n *notes) images(d modgw.Descriptor) {
	for _, path := range outside(d) {
		n.add("%q is outside of the app's root: the image needs it at the same path.", path)
	}
	if d.Python.Venv != "" {
		n.add("python { venv }: %q has to be made in the image, for its interpreter.", d.Python.Venv)
	}
	if d.FastCGI != nil && d.FastCGI.Connect != "" {
		n.add("fastcgi { connect }: %q has to be reachable from the container.", d.FastCGI.Connect)
	}
	if len(d.Groups) > 0 {
		n.add("groups: the host gives them to the app, so it starts as root.")
	}
	if d.Limits.CPUWeight > 0 || d.Limits.IOWeight > 0 || d.Limits.MemorySoft > 0 {
		n.add("limits { cpu_weight, io_weight, memory_soft }: they count only where the container may write its control group.")
	}
	if d.Nice < 0 {
		n.add("nice: a value below zero needs the capability SYS_NICE.")
	}
	n.idle(d)
}

// local notes the folders of an image that do not persist.
func (n *notes) local() {
	n.add("Files that the app writes are gone with the instance: keep uploads and databases elsewhere.")
}
