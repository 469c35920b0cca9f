package workers

import (
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/internal/sandbox/learn"
)

const (
	// learnDelay is how long to wait for further uses before the list is written.
	learnDelay = 300 * time.Millisecond

	// closeTime is how long an app's last processes may take to end.
	closeTime = 5 * time.Second

	// maxLearned is the largest number of files and addresses that are remembered for an app.
	maxLearned = 5000

	// fewFiles is the number of files of a folder that are listed one by one; beyond it the folder
	// is.
	fewFiles = 2
)

// learnedFile is the name of the file with the learned sandbox settings in the app's private
// folder.
const learnedFile = "sandbox.hcl"

// learner records the files and addresses that the processes of an app use.
type learner struct {
	folder   string // for the files; "": there are none
	granted  []sandbox.Grant
	log      *slog.Logger
	watching sync.WaitGroup

	mu    sync.Mutex
	seen  map[learn.Use]bool
	needs needs
	timer *time.Timer // writes the list; nil: it is written
}

// needs are the accesses that a sandbox must allow.
type needs struct {
	Read    []string `json:"read"`    // files and folders
	Write   []string `json:"write"`   // files and folders
	Network []string `json:"network"` // "ADDRESS:PORT"
}

// newLearner continues with the list of earlier generations. granted are files that need not be
// listed.
func newLearner(folder string, granted []sandbox.Grant, log *slog.Logger) *learner {
	l := &learner{folder: folder, granted: granted, log: log, seen: map[learn.Use]bool{}}
	if folder == "" {
		return l
	}
	if text, err := os.ReadFile(l.path("sandbox.json")); err == nil {
		_ = json.Unmarshal(text, &l.needs) // a broken file is one of nothing learned
	}
	return l
}

func (l *learner) path(name string) string { return filepath.Join(l.folder, name) }

// watch reads notifications from a listener, in a goroutine.
func (l *learner) watch(listener *os.File) {
	l.watching.Go(func() { learn.Watch(listener, l.note) })
}

// note takes something that was used.
func (l *learner) note(use learn.Use) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[use] || len(l.seen) >= maxLearned {
		return
	}
	l.seen[use] = true
	if !l.needs.add(use, l.granted) || l.timer != nil {
		return
	}
	l.timer = time.AfterFunc(learnDelay, l.write)
}

// write writes the list into the app's private folder.
func (l *learner) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = nil
	if l.folder == "" {
		return
	}
	raw, err := json.Marshal(l.needs)
	if err == nil {
		err = atomicfile.Write(l.path("sandbox.json"), raw, 0o600)
	}
	if err == nil {
		err = atomicfile.Write(l.path(learnedFile), []byte(l.needs.block()), 0o600)
	}
	if err != nil {
		l.log.Warn("what the sandbox has learned is not written", "error", err)
		return
	}
	l.log.Info("sandbox learned what the app uses", "file", l.path(learnedFile))
}

// block returns the sandbox block that allows the recorded accesses.
func (l *learner) block() string {
	if l == nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.needs.block()
}

// close writes unwritten records when nothing is watched any more. All processes were ended, but
// one may have hidden.
func (l *learner) close() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.watching.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(closeTime):
	}
	l.mu.Lock()
	pending := l.timer != nil && l.timer.Stop()
	l.mu.Unlock()
	if pending {
		l.write()
	}
}

// add takes something that was used, and reports whether it is to be listed.
func (n *needs) add(use learn.Use, granted []sandbox.Grant) bool {
	list, entry := &n.Read, use.Path
	switch {
	case use.To.IsValid():
		list, entry = &n.Network, use.To.String()
	case entry == "/" || slices.Contains(strings.Split(entry, "/"), "__pycache__"):
		return false // to list everything would allow everything; bytecode is only kept
	case use.Write:
		list = &n.Write
	}
	for _, g := range granted {
		if _, ok := files.Inside(g.Path, use.Path); ok && use.Path != "" && (g.Write || !use.Write) {
			return false
		}
	}
	if slices.Contains(*list, entry) {
		return false
	}
	*list = append(*list, entry)
	return true
}

// block is the sandbox block that allows the needs.
func (n *needs) block() string {
	var b strings.Builder
	b.WriteString("sandbox {\n")
	write := collapse(n.Write)
	read := slices.DeleteFunc(collapse(n.Read), func(path string) bool {
		return files.InsideAny(write, path)
	})
	for _, list := range []struct {
		name    string
		entries []string
		always  bool // without it another list holds
	}{
		{"read", read, false}, {"write", write, true}, {"network", slices.Sorted(slices.Values(n.Network)), false},
	} {
		if len(list.entries) == 0 && !list.always {
			continue
		}
		b.WriteString("  " + list.name + " = [")
		for _, entry := range list.entries {
			b.WriteString("\n    " + quoteHCL(entry) + ",")
		}
		if len(list.entries) > 0 {
			b.WriteString("\n  ")
		}
		b.WriteString("]\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// quoteHCL is text as a string of a descriptor.
func quoteHCL(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(text))
}

// packageFolders are folders that are used as a whole.
var packageFolders = []string{"site-packages", "dist-packages", "node_modules", "vendor"}

// collapse makes a short list of files and folders that covers the paths: a folder of packages is
// listed as one, and so is one of which more than a few files were used.
func collapse(paths []string) []string {
	used := map[string]bool{}
	siblings := map[string]int{}
	for _, path := range paths {
		path = wholePackages(path)
		if !used[path] {
			siblings[filepath.Dir(path)]++
		}
		used[path] = true
	}
	for path := range maps.Clone(used) {
		folder := filepath.Dir(path)
		// A folder at the top has files of everybody.
		if siblings[folder] > fewFiles && strings.Count(folder, "/") > 1 {
			used[folder] = true
		}
	}
	var short []string
	for _, path := range slices.Sorted(maps.Keys(used)) {
		if !files.InsideAny(short, path) {
			short = append(short, path)
		}
	}
	return short
}

// wholePackages is the folder of packages that a path lies in; the path when it lies in none.
func wholePackages(path string) string {
	names := strings.Split(path, "/")
	for i, name := range names {
		if slices.Contains(packageFolders, name) {
			return strings.Join(names[:i+1], "/")
		}
	}
	return path
}
