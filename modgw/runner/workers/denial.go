package workers

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
)

// Errors of programs that name what was denied: of Python, Node.js and others with quotes, of Go,
// shells and PHP without.
var (
	deniedQuoted  = lazyregexp.New(`(?i)(?:permission denied|EACCES)[^'"\n]*['"]([^'"\n]+)['"]`)
	deniedBare    = lazyregexp.New(`(?i)(/[^\s'":(),]+)['")]*:[^/\n]*permission denied`)
	deniedAddress = lazyregexp.New(`((?:\d+\.){3}\d+|\[[0-9a-f:]+\])(?::| |", port |', port=)(\d+)`)

	deniedConnect = lazyregexp.New(`(?i)connect`)
	deniedWriting = lazyregexp.New(`(?i)\b(mkdir|makedirs|create|unlink|remove|rename|write\w*|save|file_put_contents|rmdir|touch|symlink)\b|open\([^)\n]*, *["'][wax]`)
)

// maxDenials is how many denials of an app's generation are named in its log.
const maxDenials = 100

// denials remembers which denials were named. The zero value is ready to use.
type denials struct {
	mu    sync.Mutex
	named map[string]bool
}

// isNew reports whether a denial was not named before and is none of too many.
func (d *denials) isNew(allow string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.named[allow] || len(d.named) >= maxDenials {
		return false
	}
	if d.named == nil {
		d.named = map[string]bool{}
	}
	d.named[allow] = true
	return true
}

// LogLine is [LogLine] for a process in the sandbox: after a line about something that the sandbox
// denies comes a record with the setting that would allow it.
func (s *Sandbox) LogLine(log *slog.Logger, line proc.Line) {
	LogLine(log, line)
	if s == nil || line.Dropped > 0 {
		return
	}
	allow := s.explain(line.Text)
	if allow != "" && s.denials.isNew(allow) {
		log.Warn("denied by the sandbox", "allow", allow)
	}
}

// explain returns the setting that would allow what a program complains of; "" when it complains of
// nothing that the sandbox denies.
func (s *Sandbox) explain(text string) string {
	if !strings.Contains(text, "ermission denied") && !strings.Contains(text, "EACCES") && !strings.Contains(text, "not permitted") {
		return ""
	}
	if path := s.deniedPath(text); path != "" {
		return s.grantFor(path, deniedWriting.MatchString(text))
	}
	confined := networkOf(s.config.Descriptor.Sandbox) != sandbox.Open
	if !confined || !deniedConnect.MatchString(text) && !strings.Contains(text, "SOCK_DGRAM") {
		return ""
	}
	if found := deniedAddress.FindStringSubmatch(text); found != nil {
		return fmt.Sprintf("sandbox { network = [%q] }", found[1]+":"+found[2])
	}
	return `sandbox { network = ["HOST:PORT"] }`
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
		base := d.Root
		if d.Home != "" {
			base = d.Home
		}
		path = filepath.Join(base, path)
	}
	return filepath.Clean(path)
}

// grantFor is the setting that lets the app open a file; "" when the sandbox does, so that
// something else denies it.
func (s *Sandbox) grantFor(path string, writes bool) string {
	readable := false
	for _, g := range s.grants(nil) {
		inside, err := filepath.Rel(g.Path, path)
		if err != nil || !filepath.IsLocal(inside) {
			continue
		}
		if g.Write {
			return ""
		}
		readable = true
	}
	if readable || writes {
		return fmt.Sprintf("sandbox { write = [%q] }", path)
	}
	return fmt.Sprintf("sandbox { read = [%q] }", path)
}
