package loader

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/modgw/modgw/modgw"
)

// File is the content of one descriptor file.
type File struct {
	Path string // absolute, as it was named; "" for an app that was found without a descriptor

	Owner string // as in [modgw.Descriptor]; "" also for a file that could not be read

	// Descriptors are the apps without mistakes. While there are errors, a missing app of this file
	// is not gone: its settings are unknown, and its last good generation should stay.
	Descriptors []modgw.Descriptor

	// Missing are the apps that the file describes and that are not among Descriptors, because of
	// Diagnostics. An app whose name cannot be read is not among them.
	Missing []modgw.AppName

	// Sources are further files that were read or looked for, and folders that fileset() listed: a
	// change to one of them may change the descriptors.
	Sources []string

	// Diagnostics are those of this file, including conflicts of its apps with apps of another
	// file.
	Diagnostics Diagnostics

	apps      []*app
	variables []string // variables that the file declares
	*report
}

// Load reads one descriptor file. The returned file is never nil, so that the caller knows which
// files to watch even if it cannot be read. Apps in the same file that claim the same name, host or
// mount are reported; for apps of several files see [LoadAll].
func Load(path string, opts Options) (*File, Diagnostics) {
	f := load(path, opts)
	separate([]*File{f}, Held{}, opts.Tenants)
	return f, f.Diagnostics
}

// LoadText is Load for a text that is not in its file yet. path is where it belongs.
func LoadText(path string, text []byte, opts Options) (*File, Diagnostics) {
	files, diags := LoadTexts(map[string][]byte{path: text}, opts)
	return files[0], diags
}

// LoadTexts is LoadText for several files, by path, whose apps must not conflict. The files are
// returned in the order of their paths.
func LoadTexts(texts map[string][]byte, opts Options) ([]*File, Diagnostics) {
	var files []*File
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		f := &File{Path: path, report: newReport()}
		f.decodeSafely(texts[path], filepath.Dir(path), opts)
		files = append(files, f)
	}
	separate(files, Held{}, opts.Tenants)
	var all Diagnostics
	for _, f := range files {
		all = append(all, f.Diagnostics...)
	}
	return files, all.sorted()
}

// load reads one file alone.
func load(path string, opts Options) *File {
	path, err := filepath.Abs(path)
	f := &File{Path: path, report: newReport()}
	if err != nil {
		f.add(codeRead, wholeFile(path), fmt.Sprintf("Cannot read %q", path), sentence(reason(err)))
		return f
	}
	src := f.read(path, opts)
	if src == nil {
		return f
	}
	if opts.Account = src.as; src.as != nil {
		f.Owner = src.as.Name
	}
	f.decodeSafely(src.text, filepath.Dir(src.path), opts)
	return f
}

// decodeSafely is decode for text that a stranger may have written: a mistake of ours in reading it
// must cost that file alone, not the host.
func (f *File) decodeSafely(src []byte, home string, opts Options) {
	defer func() {
		if cause := recover(); cause != nil {
			f.apps = nil
			f.add(codeSyntax, wholeFile(f.Path), "Cannot make sense of the file", fmt.Sprintf("This is a mistake in modgw-host, please report it: %v", cause))
		}
	}()
	f.decode(src, home, opts)
}

// decode decodes the text of the file.
func (f *File) decode(src []byte, home string, opts Options) {
	body := f.parse(src, f.Path)
	if body == nil {
		return
	}
	defer forgetExpressions(body)
	s := newScope(home, opts)
	s.sources = slices.Clone(f.Sources)
	s.callsNothing = !watch(body)
	d := &decoder{report: f.report, scope: s}
	if looksLikeHost(body) {
		f.add(codeUnknown, wholeFile(f.Path), "This is the host's own file, not a descriptor", "Pass it with -c: modgw-host serve -c "+f.Path)
		return
	}
	d.refuseUnknown(lookAtFile(), place{rng: body.SrcRange}, body)
	n := d.names(body)
	f.variables = slices.Sorted(maps.Keys(n.variables))
	f.redact(0, s.secrets)
	for _, written := range blocksOf(body, "app") {
		a := f.app(written, s, n)
		if a == nil {
			continue
		}
		f.apps = append(f.apps, a)
		s.sources = mergeSorted(s.sources, a.Sources)
	}
	f.Sources = s.sources
}

// forgetExpressions drops all arguments in a body. Later messages need the blocks alone, and
// thousands of files stay in memory until all of them are compared.
func forgetExpressions(body *hclsyntax.Body) {
	body.Attributes = nil
	for _, b := range body.Blocks {
		forgetExpressions(b.Body)
	}
}

// fileBlock returns all blocks that may be at the top of a descriptor file.
func fileBlock() block {
	return block{blocks: []func() block{
		func() block { return appBlock(new(modgw.Descriptor)) },
		func() block { return variableBlock(new(declared)) },
		localsBlock,
	}}
}

// lookAtFile is fileBlock for inspection, and lookAtApp are the blocks that may be in an app. They
// are made once for all files: making them takes as long as reading a small file.
var (
	lookAtFile = sync.OnceValue(func() block {
		b := fileBlock()
		b.looks = b.inners()
		return b
	})
	lookAtApp = sync.OnceValue(func() []block { return appBlock(new(modgw.Descriptor)).inners() })
)

// looksLikeHost reports whether a body has arguments or blocks that only the host's own file has.
func looksLikeHost(body *hclsyntax.Body) bool {
	return body.Attributes["apps"] != nil || len(blocksOf(body, "listen")) > 0
}

func mergeSorted(a, b []string) []string {
	set := map[string]bool{}
	for _, s := range slices.Concat(a, b) {
		set[s] = true
	}
	return slices.Sorted(maps.Keys(set))
}
