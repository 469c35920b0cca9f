package reload

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/proc"
)

// installing are the commands with which a package installer changes files, by installer.
var installing = map[string][]string{
	"pip": {"install", "uninstall"},
	"uv":  {"sync", "add", "remove", "lock", "install", "uninstall"},
}

// installers returns the package installers that work in root: those that run in it or have a path
// in it on their command line, except descendants of the process host.
func installers(root string, host int) []obstacle {
	if root == "" {
		return nil
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []obstacle
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			continue // it has ended
		}
		words := commandWords(line)
		name := installerOf(words)
		if name == "" || !worksIn(root, pid, words) || descends(pid, host) {
			continue
		}
		found = append(found, obstacle{fmt.Sprintf("process %d", pid), fmt.Sprintf("%s is at work (process %d)", name, pid)})
	}
	return found
}

func commandWords(line []byte) []string {
	var words []string
	for word := range bytes.SplitSeq(bytes.TrimRight(line, "\x00"), []byte{0}) {
		words = append(words, string(word))
	}
	return words
}

// installerOf names the installer that a command line runs to change files; "" for any other
// command.
func installerOf(words []string) string {
	for i, word := range words[:min(len(words), 4)] {
		name := strings.TrimRight(filepath.Base(word), "0123456789.")
		verbs := installing[name]
		if verbs == nil || i > 0 && !strings.HasPrefix(filepath.Base(words[0]), "py") {
			continue
		}
		rest := words[i+1:]
		if slices.Contains(rest, "run") || !slices.ContainsFunc(rest, func(w string) bool { return slices.Contains(verbs, w) }) {
			return ""
		}
		return name
	}
	return ""
}

// worksIn reports whether a process runs in dir or has a path in it on its command line.
func worksIn(dir string, pid int, words []string) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err == nil && within(dir, cwd) {
		return true
	}
	return slices.ContainsFunc(words[1:], func(word string) bool {
		if _, value, ok := strings.Cut(word, "="); ok {
			word = value
		}
		if !filepath.IsAbs(word) {
			word = filepath.Join(cwd, word)
		}
		return within(dir, filepath.Clean(word))
	})
}

// descends reports whether a process is a descendant of another.
func descends(pid, ancestor int) bool {
	for pid > 1 && pid != ancestor {
		pid = proc.Parent(pid)
	}
	return pid == ancestor
}
