package loader

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/hashicorp/hcl/v2"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
)

// DescriptorName is the file name of a project's descriptor, in the project's folder.
const DescriptorName = "modgw.hcl"

// LoadAll reads the targets, each file separately, and then compares their apps. A target is a
// descriptor file, a glob of such files, a folder of them, or an app without descriptor as for
// [Detect]: a project folder, "app.wsgi" or "package.module:callable". A folder with a modgw.hcl
// means that file. A glob may match nothing. Files are returned in the order of their paths, each
// once.
func LoadAll(targets []string, opts Options) ([]*File, Diagnostics) {
	files, _, diags := LoadHeld(targets, Held{}, opts)
	return files, diags
}

// LoadHeld is LoadAll where some apps are served already: they keep their names, hosts and mounts,
// see [claims.Decide]. It also returns the claims of all apps from then on.
func LoadHeld(targets []string, held Held, opts Options) ([]*File, []claims.Claim, Diagnostics) {
	opts.tools = newTools()
	var files []*File
	var paths []string
	for _, target := range targets {
		if found, ok := descriptorFiles(target, safepath.Opener{User: opts.Account}); ok {
			paths = append(paths, found...)
		} else {
			files = append(files, detected(target, opts))
		}
	}
	files = append(files, loadFiles(paths, opts)...)
	slices.SortStableFunc(files, func(a, b *File) int { return cmp.Compare(a.order(), b.order()) })
	warnOfRoot(files, opts)
	all := undeclared(files, opts)
	table := separate(files, held, opts.Tenants)
	for _, f := range files {
		all = append(all, f.Diagnostics...)
	}
	return files, table, all.sorted()
}

// undeclared warns of variables that the command line gave and no file has. While a file cannot be
// read, it could.
func undeclared(files []*File, opts Options) Diagnostics {
	var known []string
	for _, f := range files {
		if len(f.apps) == 0 && f.found.HasErrors() {
			return nil
		}
		known = append(known, f.variables...)
	}
	if opts.Defaults != nil {
		known = slices.AppendSeq(known, maps.Keys(opts.Defaults.names.variables))
	}
	var warnings Diagnostics
	for _, name := range slices.Sorted(maps.Keys(opts.Vars)) {
		if !slices.Contains(known, name) {
			warnings = append(warnings, Diagnostic{
				Severity: Warning, Code: codeVariable, Summary: fmt.Sprintf("No file declares variable %q", name),
				Detail: join("Its value is not used.", didYouMean(name, known)),
			})
		}
	}
	return warnings
}

// loadFiles reads each file once, several at the same time.
func loadFiles(paths []string, opts Options) []*File {
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	files := make([]*File, len(paths))
	var next atomic.Int64
	var loading sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(paths)) {
		loading.Go(func() {
			opts := opts
			opts.tools = newTools()
			for i := next.Add(1) - 1; int(i) < len(paths); i = next.Add(1) - 1 {
				files[i] = load(paths[i], opts)
			}
		})
	}
	loading.Wait()
	return files
}

// descriptorFiles are the absolute paths of the descriptor files that target names; false when it
// names an app.
func descriptorFiles(target string, files safepath.Opener) ([]string, bool) {
	path, err := filepath.Abs(target)
	if err != nil {
		return []string{target}, true
	}
	info, err := files.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return descriptorsIn(path, files)
	case strings.HasSuffix(path, ".hcl") && (err == nil || !isGlob(path)), err == nil && isScript(path, files):
		return []string{path}, true
	case err != nil && isGlob(path):
		return filesLike(path, files), true
	}
	return nil, false
}

// filesLike returns the files that an absolute glob matches; none if the pattern is not a glob.
func filesLike(pattern string, files safepath.Opener) []string {
	folder, pattern := doublestar.SplitPattern(pattern)
	found, _ := doublestar.Glob(files.FS(folder), pattern, doublestar.WithFilesOnly(), doublestar.WithNoHidden())
	for i, name := range found {
		found[i] = filepath.Join(folder, name)
	}
	return found
}

// isScript reports whether a file is a descriptor that a web server executes: its first line, which
// HCL takes for a comment, names this program.
func isScript(path string, files safepath.Opener) bool {
	f, err := files.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := io.ReadFull(f, head)
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	return strings.HasPrefix(line, "#!") && strings.Contains(line, "modgw-host")
}

// descriptorsIn are the descriptors of a folder; false when it has none and is a project perhaps.
func descriptorsIn(folder string, files safepath.Opener) ([]string, bool) {
	own := filepath.Join(folder, DescriptorName)
	if info, err := files.Stat(own); err == nil && !info.IsDir() {
		return []string{own}, true
	}
	entries, err := files.ReadDir(folder)
	if err != nil {
		return nil, false
	}
	var found []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".hcl") && !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			found = append(found, filepath.Join(folder, e.Name()))
		}
	}
	return found, len(found) > 0
}

func isGlob(path string) bool { return strings.ContainsAny(path, "*?[{") }

// order is the key by which files are sorted.
func (f *File) order() string {
	if f.Path == "" && len(f.apps) > 0 {
		return f.apps[0].Root
	}
	return f.Path
}

// detected is the file of an app that has none.
func detected(target string, opts Options) *File {
	f := &File{report: newReport()}
	a, err := detect(target, opts)
	if err != nil {
		code, summary, hint := codeDetect, sentence(err.Error()), ""
		if fault, ok := errors.AsType[*modgw.Fault](err); ok {
			code, summary, hint = fault.Code, sentence(fault.Summary), sentence(fault.Hint)
		}
		f.add(code, hcl.Range{}, fmt.Sprintf("Cannot load %q", target), join(summary, hint))
		return f
	}
	f.apps = []*app{a}
	f.Sources = a.Sources
	return f
}
