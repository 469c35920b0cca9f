package reload

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// rules is an interest compiled for judging paths.
type rules struct {
	files   map[string]Class // single files, wherever they are
	touched map[string]bool  // files that another time alone changes
	trees   []*tree
}

// tree is a folder that is walked for files that match globs.
type tree struct {
	base   string
	globs  []glob
	ignore []string // relative to base
	depth  int      // folders deep that it is walked, base being 1
}

type glob struct {
	pattern string // relative to the tree's base
	class   Class
	hidden  bool   // names with a leading dot count, too
	except  string // relative to the tree's base; "" for none
}

// bottomless is the depth of trees with "**" in a glob. It bounds folders that nest without end.
const bottomless = 64

// rulesOf compiles an interest. The error names a glob that cannot be used.
func rulesOf(in Interest) (*rules, error) {
	r := &rules{files: map[string]Class{}, touched: map[string]bool{}}
	r.addFiles(in.Descriptor, Descriptor, true)
	r.addFiles(in.Entry, Code, true)
	if in.Mode != modgw.ReloadTouch {
		r.addFiles(in.Dependencies, Dependencies, false)
		r.addFiles(slices.Collect(maps.Keys(in.Extra)), Code, false)
	}
	for _, g := range in.Globs {
		if in.Mode == modgw.ReloadTouch && g.Class != Descriptor {
			continue
		}
		if err := r.addGlob(in, g); err != nil {
			return nil, err
		}
	}
	for _, pattern := range in.Ignore {
		if !doublestar.ValidatePattern(pattern) {
			return nil, badGlob(in.App, pattern)
		}
	}
	return r, nil
}

// badGlob is the error for a pattern that the loader of descriptors would have refused.
func badGlob(app modgw.AppName, pattern string) error {
	return fmt.Errorf("cannot watch the files of app %q: %q is not a pattern", app, pattern)
}

func (r *rules) addFiles(paths []string, class Class, touched bool) {
	for _, path := range paths {
		path = filepath.Clean(path)
		r.files[path] = max(r.files[path], class)
		r.touched[path] = r.touched[path] || touched
	}
}

func (r *rules) addGlob(in Interest, g Glob) error {
	absolute := filepath.IsAbs(g.Pattern)
	if !doublestar.ValidatePattern(g.Pattern) || !absolute && in.Root == "" {
		return badGlob(in.App, g.Pattern)
	}
	pattern := filepath.Clean(g.Pattern)
	if !absolute && !strings.HasPrefix(pattern, "../") {
		r.treeAt(in.Root, in.Ignore).add(glob{pattern, g.Class, g.Hidden, g.Except})
		return nil
	}
	if !absolute {
		pattern = filepath.Join(Escape(in.Root), pattern)
	}
	base, pattern := doublestar.SplitPattern(pattern)
	r.treeAt(base, nil).add(glob{pattern, g.Class, g.Hidden, g.Except})
	return nil
}

func (r *rules) treeAt(base string, ignore []string) *tree {
	for _, t := range r.trees {
		if t.base == base && len(t.ignore) == len(ignore) {
			return t
		}
	}
	t := &tree{base: base, ignore: ignore}
	r.trees = append(r.trees, t)
	return t
}

func (t *tree) add(g glob) {
	t.globs = append(t.globs, g)
	depth := strings.Count(g.pattern, "/") + 1
	if strings.Contains(g.pattern, "**") {
		depth = bottomless
	}
	t.depth = max(t.depth, depth)
}

// class returns the class of a file by its path; a tree's base is code.
func (r *rules) class(path string) Class {
	class := r.files[path]
	for _, t := range r.trees {
		rel := files.Relative(t.base, path)
		switch {
		case rel == ".":
			class = max(class, Code)
		case !filepath.IsAbs(rel):
			class = max(class, t.class(rel))
		}
	}
	return class
}

// class returns the class of a file of the tree by its path below the base.
func (t *tree) class(rel string) Class {
	if isSkippedFile(filepath.Base(rel)) || t.ignores(rel) {
		return Nothing
	}
	class := Nothing
	for _, g := range t.globs {
		if g.class > class && g.matches(rel) {
			class = g.class
		}
	}
	return class
}

// descends reports whether the folder at rel, which is depth levels below the base, is walked.
func (t *tree) descends(rel string, depth int) bool {
	if depth >= t.depth || skippedFolders[filepath.Base(rel)] || t.ignores(rel) {
		return false
	}
	return !isHidden(rel) || slices.ContainsFunc(t.globs, func(g glob) bool { return g.hidden || mayMatchBelow(g.pattern, rel) })
}

// matches reports whether a path below the tree's base matches.
func (g glob) matches(rel string) bool {
	return doublestar.MatchUnvalidated(g.pattern, rel) && (g.hidden || matchesVisibly(g.pattern, rel)) &&
		(g.except == "" || !doublestar.MatchUnvalidated(g.except, rel))
}

func (t *tree) ignores(rel string) bool {
	for _, pattern := range t.ignore {
		if doublestar.MatchUnvalidated(strings.TrimSuffix(pattern, "/"), rel) {
			return true
		}
	}
	return false
}

const metaCharacters = `*?[]{}\`

// Escape returns a pattern that matches path alone.
func Escape(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if strings.IndexByte(metaCharacters, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}
