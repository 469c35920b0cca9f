package workers

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"sync"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
)

// Errors of programs that name a denied file: with quotes in Python, Node.js and others, without in
// Go, shells and PHP.
var (
	deniedQuoted  = lazyregexp.New(`(?i)(?:permission denied|EACCES)[^'"\n]*['"]([^'"\n]+)['"]`)
	deniedBare    = lazyregexp.New(`(?i)(/[^\s'":(),]+)['")]*:[^/\n]*permission denied`)
	deniedAddress = lazyregexp.New(`((?:\d+\.){3}\d+|\[[0-9a-f:]+\])(?::| |", port |', port=)(\d+)`)

	deniedConnect = lazyregexp.New(`(?i)connect`)
	deniedWriting = lazyregexp.New(`(?i)\b(mkdir|makedirs|create|unlink|remove|rename|write\w*|save|file_put_contents|rmdir|touch|symlink)\b|open\([^)\n]*, *["'][wax]`)
)

// maxDenials is the number of denials of an app's generation that are logged.
const maxDenials = 100

// denialKind is the kind of a denial, as in the metric.
type denialKind string

const (
	deniedFiles     denialKind = "files"
	deniedNetwork   denialKind = "network"
	deniedProcesses denialKind = "processes" // processes of others
	deniedCalls     denialKind = "calls"     // system calls
)

// denial is something that the sandbox has denied to a process.
type denial struct {
	kind  denialKind
	allow string // setting that would allow it; "": none does
	what  string // name of the denied object; "": allow has it
}

// denials counts denials, and remembers those that were logged. The zero value is ready to use.
type denials struct {
	mu     sync.Mutex
	named  map[denial]bool
	counts map[string]uint64 // by kind
}

// add counts a denial. It reports whether it was not named before and is none of too many.
func (d *denials) add(one denial) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.named == nil {
		d.named, d.counts = map[denial]bool{}, map[string]uint64{}
	}
	d.counts[string(one.kind)]++
	if d.named[one] || len(d.named) >= maxDenials {
		return false
	}
	d.named[one] = true
	return true
}

// total returns the number of denials, by kind.
func (d *denials) total() map[string]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.counts)
}

// deny counts a denial, and names it in the log when that was not done before.
func (s *Sandbox) deny(log *slog.Logger, d denial) {
	switch {
	case !s.denials.add(d):
	case d.what == "":
		log.Warn("denied by the sandbox", "allow", d.allow)
	default:
		log.Warn("denied by the sandbox", "what", d.what, "allow", cmp.Or(d.allow, "no setting"))
	}
}

// denyMisled names a grant that leads where the tenant's ceiling does not allow it.
func (s *Sandbox) denyMisled(m sandbox.Misled) {
	setting := "read"
	if m.Write {
		setting = "write"
	}
	s.deny(s.config.Log, denial{
		kind:  deniedFiles,
		what:  fmt.Sprintf("%q, which leads to %q", m.Path, m.Leads),
		allow: fmt.Sprintf("tenant %q { ceilings { sandbox { %s = [%q] } } }", s.config.Descriptor.Owner, setting, m.Leads),
	})
}

// LogLine is logLine for a process in the sandbox: after a line about something that the sandbox
// denies comes a record with the setting that would allow it.
func (s *Sandbox) LogLine(log *slog.Logger, line proc.Line) {
	logLine(log, line)
	if s == nil || line.Dropped > 0 {
		return
	}
	if d := s.explain(line.Text); d.allow != "" {
		s.deny(log, d)
	}
}

// explain returns the denial that a program complains of, with the setting that would allow it. The
// zero denial: it complains of nothing that the sandbox denies.
func (s *Sandbox) explain(text string) denial {
	if !strings.Contains(text, "ermission denied") && !strings.Contains(text, "EACCES") && !strings.Contains(text, "not permitted") {
		return denial{}
	}
	if path := s.deniedPath(text); path != "" {
		return denial{kind: deniedFiles, allow: s.grantFor(path, deniedWriting.MatchString(text))}
	}
	confined := networkOf(s.config.Descriptor.Sandbox) != sandbox.Open
	if !confined || !deniedConnect.MatchString(text) && !strings.Contains(text, "SOCK_DGRAM") {
		return denial{}
	}
	if found := deniedAddress.FindStringSubmatch(text); found != nil {
		return deniedEndpoint(found[1] + ":" + found[2])
	}
	return deniedEndpoint("HOST:PORT")
}

// deniedEndpoint is the denial of an address that is not granted.
func deniedEndpoint(address string) denial {
	return denial{kind: deniedNetwork, allow: fmt.Sprintf("sandbox { network = [%q] }", address)}
}

// deniedPath is the file that a program could not open; "" when the text names none.
func (s *Sandbox) deniedPath(text string) string {
	found := deniedQuoted.FindStringSubmatch(text)
	if found == nil {
		found = deniedBare.FindStringSubmatch(text)
	}
	if found == nil {
		return ""
	}
	d := s.config.Descriptor
	path := found[1]
	if !filepath.IsAbs(path) {
		path = filepath.Join(cmp.Or(d.Home, d.Root), path)
	}
	return filepath.Clean(path)
}

// grantFor is the setting that lets the app open a file; "" when the sandbox does, so that
// something else denies it.
func (s *Sandbox) grantFor(path string, writes bool) string {
	readable, writable := covered(s.grants(nil), path)
	switch {
	case writable:
		return ""
	case readable || writes:
		return fmt.Sprintf("sandbox { write = [%q] }", path)
	}
	return fmt.Sprintf("sandbox { read = [%q] }", path)
}

// covered reports whether grants allow reading and writing a path.
func covered(grants []sandbox.Grant, path string) (readable, writable bool) {
	for _, g := range grants {
		if _, ok := files.Inside(g.Path, path); ok {
			readable, writable = true, writable || g.Write
		}
	}
	return readable, writable
}
