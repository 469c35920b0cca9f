package doctor

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// The least resources of a machine.
const (
	leastSpace   = 256 << 20 // bytes on the disk of the state folder
	leastInodes  = 10_000
	leastFiles   = 1024 // open files of the host, in addition to those inherited at its start
	leastBacklog = 128
	futureSlack  = 5 * time.Minute
)

// checkMachine returns the problems of the machine and the running host.
func (d *Doctor) checkMachine(ctx context.Context) (found []Finding) {
	found = append(found, d.checkBacklog()...)
	status, err := control.Status{}, control.ErrNoHost
	if d.Host != nil {
		status, err = d.Host.Status(ctx)
	}
	switch {
	case errors.Is(err, control.ErrNoHost):
		return append(found, problem("MGW-DOC-076").by("modgw-host serve"))
	case err != nil:
		return found
	}
	found = append(found, checkDisk(status.State)...)
	found = append(found, checkFiles(status.PID)...)
	found = append(found, d.checkClock(status)...)
	return append(found, d.checkStatus(status)...)
}

// checkDisk returns the problems of the disk that has a folder.
func checkDisk(dir string) (found []Finding) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return nil
	}
	return diskFindings(dir, int64(s.Bavail)*s.Bsize, s.Files > 0, s.Ffree)
}

// diskFindings judges the space left on the disk of a folder. counted is true if the disk limits
// the number of files.
func diskFindings(dir string, left int64, counted bool, inodes uint64) (found []Finding) {
	if left < leastSpace {
		f := problem("MGW-DOC-070", dir, size(left))
		f.File, f.Fix = dir, "modgw-host env gc"
		found = append(found, f)
	}
	if counted && inodes < leastInodes {
		f := problem("MGW-DOC-071", dir, inodes)
		f.File, f.Fix = dir, "modgw-host env gc"
		found = append(found, f)
	}
	return found
}

// checkFiles returns a finding if a process may have few open files.
func checkFiles(pid int) []Finding {
	f, err := os.Open(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), "Max open files")
		if !ok {
			continue
		}
		soft, err := strconv.Atoi(strings.Fields(rest)[0])
		if err != nil || soft >= leastFiles {
			return nil // unlimited, or enough
		}
		f := problem("MGW-DOC-072", soft)
		f.Directive, f.Fix = "LimitNOFILE", "LimitNOFILE=65536 in the host's unit, or ulimit -n 65536"
		return []Finding{f}
	}
	return nil
}

func (d *Doctor) checkBacklog() []Finding {
	text, err := os.ReadFile(d.root + "/proc/sys/net/core/somaxconn")
	if err != nil {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n >= leastBacklog {
		return nil
	}
	f := problem("MGW-DOC-075", n)
	f.Directive, f.Fix = "net.core.somaxconn", "sysctl -w net.core.somaxconn=4096"
	return []Finding{f}
}

// checkClock finds files that are newer than the clock: a change to them would not be noticed.
func (d *Doctor) checkClock(status control.Status) []Finding {
	files := []string{status.File, filepath.Join(status.State, "claims.json")}
	for _, app := range d.Apps {
		files = append(files, app.File)
	}
	for _, file := range files {
		if info, err := os.Stat(file); file != "" && err == nil && info.ModTime().Sub(d.now()) > futureSlack {
			f := problem("MGW-DOC-074", file)
			f.File, f.Fix = file, "timedatectl set-ntp true, or touch the file"
			return []Finding{f}
		}
	}
	return nil
}

// checkStatus returns the problems that the host reports of its apps.
func (d *Doctor) checkStatus(status control.Status) (found []Finding) {
	for _, app := range status.Apps {
		if !d.examines(app.App) {
			continue
		}
		if app.Failure != nil {
			f := problem("MGW-DOC-077", app.Failure.Error).of(app.App)
			f.Fix = "modgw-host explain " + app.Failure.Code
			found = append(found, d.atDescriptor(f))
		}
		late := app.Watch.Degraded
		if app.Watch.Mode == "poll" && strings.Contains(app.Watch.Reason, "inotify") {
			late = cmp.Or(late, app.Watch.Reason)
		}
		if late != "" {
			f := problem("MGW-DOC-073", late).of(app.App)
			f.Directive, f.Fix = "fs.inotify.max_user_watches", "sysctl -w fs.inotify.max_user_watches=524288"
			found = append(found, f)
		}
	}
	for _, b := range status.Broken {
		first, _, _ := strings.Cut(strings.TrimSpace(b.Diagnostics), "\n")
		f := problem("MGW-DOC-078", first)
		f.File, f.Fix = b.File, "modgw-host check"
		found = append(found, f)
	}
	return found
}

// atDescriptor sets the location of a finding to the descriptor of its app.
func (d *Doctor) atDescriptor(f Finding) Finding {
	for _, app := range d.Apps {
		if app.Name == f.App {
			f.File, f.Line = app.File, app.Line
		}
	}
	return f
}

// examines reports whether an app is one of those that are to be examined.
func (d *Doctor) examines(name modgw.AppName) bool {
	return slices.ContainsFunc(d.Apps, func(app modgw.Descriptor) bool { return app.Name == name })
}
