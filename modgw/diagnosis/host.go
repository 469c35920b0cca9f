package diagnosis

import (
	"fmt"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Host holds the known facts about a host, except its apps.
type Host struct {
	Now          time.Time     // time of these facts
	Certificates []Certificate // certificates of its listeners

	// File is the reason why the host's own file, which was changed after the host's start, cannot
	// be used; nil: it can be used.
	File *modgw.Fault

	Broken []BrokenFile // descriptor files that cannot be used

	// WatchDegraded names the descriptors that cannot be watched; "": none.
	WatchDegraded string

	State Disk  // the disk with the state folder
	Files Files // file descriptors of the host's process
}

// BrokenFile is a descriptor file that cannot be used.
type BrokenFile struct {
	Mistake *modgw.Fault // the first mistake, with its place; nil: it has none

	// Unserved are the apps of the file that have no generation. It is empty if all have one, and
	// if no name can be read.
	Unserved []modgw.AppName
}

// Disk is a file system.
type Disk struct {
	Path string // path of a folder on it

	// Free and Size are in bytes, Free without the part that is reserved for root. A Size of 0
	// means unknown.
	Free, Size uint64

	// FreeFiles and MostFiles are numbers of files. A MostFiles of 0 means that there is no limit.
	FreeFiles, MostFiles uint64
}

// Files are the file descriptors of a process.
type Files struct {
	Open int // number of open ones
	Most int // limit of open ones; 0: unknown
}

// hostRules determine the causes. Among causes of the same severity, the one that explains most
// comes first.
var hostRules = []func(*Host) *Diagnosis{
	fullDisk, fewFiles, endingCertificate, brokenHostFile, brokenFiles, unwatchedDescriptors,
}

// OfHost returns the diagnosis of a host, the worst one if there are several, or nil if no problem
// is known.
func OfHost(h Host) *Diagnosis {
	var worst *Diagnosis
	for _, rule := range hostRules {
		worst = Worse(worst, rule(&h))
	}
	return worst
}

// Worse returns the worse of two diagnoses, judged by the users of the apps. Each may be nil. If
// they are equally bad, it returns the first.
func Worse(first, second *Diagnosis) *Diagnosis {
	if first == nil || second != nil && second.Severity.rank() > first.Severity.rank() {
		return second
	}
	return first
}

// rank returns a number that is higher for worse severities.
func (s Severity) rank() int {
	switch s {
	case Critical:
		return 2
	case Warning:
		return 1
	}
	return 0
}

// A disk is nearly full if it has less than lowSpace of space, or less than lowShare of its size if
// that is less. It is full if it has less than a memory page for each of a few files.
const (
	lowSpace = 512 << 20
	lowShare = 20 // a twentieth
	noSpace  = 1 << 20
	lowFiles = 1000
	noFiles  = 10
)

// fullDisk is about the disk with environments, bodies of slow clients and the log.
func fullDisk(h *Host) *Diagnosis {
	d := &h.State
	const hint = "make room there: modgw-host env gc removes environments that no app needs"
	full := func(what string) *Diagnosis {
		return &Diagnosis{"disk_full", Critical, fmt.Sprintf(
			"disk full: the state folder %s has %s left, so that no environment is built and no body is kept", d.Path, what), hint}
	}
	low := func(what string) *Diagnosis {
		return &Diagnosis{"disk_nearly_full", Warning,
			fmt.Sprintf("the disk is nearly full: the state folder %s has %s left", d.Path, what), hint}
	}
	space := fmt.Sprintf("%s of %s", bytes(d.Free), bytes(d.Size))
	files := fmt.Sprintf("room for %d files, of %d,", d.FreeFiles, d.MostFiles)
	switch {
	case d.Size > 0 && d.Free < noSpace:
		return full(space)
	case d.MostFiles > 0 && d.FreeFiles < noFiles:
		return full(files)
	case d.Size > 0 && d.Free < min(lowSpace, d.Size/lowShare):
		return low(space)
	case d.MostFiles > 0 && d.FreeFiles < min(lowFiles, d.MostFiles/lowShare):
		return low(files)
	}
	return nil
}

// bytes formats a size in a suitable unit.
func bytes(n uint64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// fewFiles is about a host that can hardly open anything: connections, files and workers need file
// descriptors.
func fewFiles(h *Host) *Diagnosis {
	f := h.Files
	d := &Diagnosis{"files_exhausted", Warning, fmt.Sprintf("the host has %d of %d file descriptors open", f.Open, f.Most),
		"raise the limit: LimitNOFILE= in the systemd unit, or ulimit -n before it starts; max_connections of a listener bounds connections"}
	switch {
	case f.Most == 0 || f.Open < f.Most*8/10:
		return nil
	case f.Open >= f.Most*95/100:
		d.Severity = Critical
		d.Sentence += ", so that connections wait and no worker starts"
	}
	return d
}

// brokenHostFile is about a host that continues with the previous settings.
func brokenHostFile(h *Host) *Diagnosis {
	if h.File == nil {
		return nil
	}
	return &Diagnosis{"broken_host_file", Warning,
		"the host's file cannot be used: " + oneLine(h.File.Line()) + "; the settings before stay in force", oneLine(h.File.Hint)}
}

// brokenFiles is about descriptors whose apps are not served because of mistakes.
func brokenFiles(h *Host) *Diagnosis {
	var worst *Diagnosis
	for _, f := range h.Broken {
		worst = Worse(worst, OfFile(f))
	}
	return worst
}

// OfFile returns the diagnosis of a descriptor file, or nil if it has no mistake. Its apps that are
// served have their own diagnoses.
func OfFile(f BrokenFile) *Diagnosis {
	mistake, unserved := f.Mistake, f.Unserved
	if mistake == nil {
		return nil
	}
	d := &Diagnosis{"broken_descriptor", Warning, "a descriptor cannot be used: " + oneLine(mistake.Line()), oneLine(mistake.Hint)}
	switch len(unserved) {
	case 0:
		d.Sentence += "; its apps that serve go on as before, and new ones are not served"
	case 1:
		d.Severity = Critical
		d.Sentence += fmt.Sprintf("; app %q is not served", unserved[0])
	default:
		d.Severity = Critical
		var names []string
		for _, name := range unserved {
			names = append(names, fmt.Sprintf("%q", name))
		}
		d.Sentence += "; apps " + strings.Join(names, ", ") + " are not served"
	}
	return d
}

// unwatchedDescriptors is about a watcher that does not see when descriptors are saved.
func unwatchedDescriptors(h *Host) *Diagnosis {
	if h.WatchDegraded == "" {
		return nil
	}
	return &Diagnosis{"watch_degraded", Warning,
		"changes of some descriptors are not seen: " + oneLine(h.WatchDegraded), "apply changes by hand: modgw-host reload"}
}
