package venv

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/safepath"
)

// goSources are the files that a Go program is built from.
type goSources struct {
	file    string   // go.work where there is one, else go.mod; "" without either
	within  string   // the app's root relative to it
	watched []string // the files that define the extent of the build
	digests []string // digests of all folders with sources
}

// name is the deciding file for people.
func (s goSources) name() string {
	if s.file == "" {
		return "go.mod"
	}
	return filepath.Base(s.file)
}

// readGoSources reads all sources of the module, or of the workspace, that root is in. Only the go
// command knows which of them a package needs, and asking it takes longer.
func readGoSources(root string, acct *account.Account) (goSources, error) {
	s := goSources{watched: []string{filepath.Join(root, "go.mod")}}
	for _, name := range []string{"go.mod", "go.work"} {
		if file, ok := findAbove(root, name, acct); ok {
			s.file = file
		}
	}
	if s.file == "" {
		return s, nil // the go command has a better error
	}
	top := filepath.Dir(s.file)
	s.within, _ = filepath.Rel(top, root)
	s.watched = []string{s.file, filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum")}
	folders := []string{top}
	for i := 0; i < len(folders) && i < maxGoFolders; i++ {
		digest, err := goTree(folders[i], acct).digest()
		if err != nil {
			return s, err
		}
		embedded, err := embeddedFiles(folders[i], acct)
		if err != nil {
			return s, err
		}
		s.digests = append(s.digests, digest, embedded)
		for _, folder := range neighbours(folders[i], acct) {
			if _, ok := files.Inside(top, folder); ok || slices.Contains(folders, folder) {
				continue
			}
			folders = append(folders, folder)
			s.watched = append(s.watched, filepath.Join(folder, "go.mod"))
		}
	}
	return s, nil
}

// maxGoFolders is the number of further modules that are followed.
const maxGoFolders = 50

// findAbove finds a file in a folder or the nearest one above it.
func findAbove(dir, name string, acct *account.Account) (path string, ok bool) {
	for ; ; dir = filepath.Dir(dir) {
		path = filepath.Join(dir, name)
		err := acct.Do(func() error { _, err := os.Stat(path); return err })
		if err == nil || dir == filepath.Dir(dir) {
			return path, err == nil
		}
	}
}

// localModule is a path in go.mod (replace) or go.work (use, replace), and never a comment.
var localModule = lazyregexp.New(`(?m)(?:=>|^use|^[ \t])[ \t]*("?)(\.\.?/[^\s"]*|\.\.|/[^\s"/][^\s"]*)`)

// neighbours are the folders of the modules on this machine that a module or workspace names.
func neighbours(dir string, acct *account.Account) []string {
	var list []string
	for _, name := range []string{"go.mod", "go.work"} {
		data, err := safepath.Opener{User: acct}.ReadFile(filepath.Join(dir, name), maxInputSize)
		if err != nil {
			continue
		}
		for _, m := range localModule.FindAllStringSubmatch(string(data), -1) {
			folder := m[2]
			if !filepath.IsAbs(folder) {
				folder = filepath.Join(dir, folder)
			}
			list = append(list, folder)
		}
	}
	return list
}

// goExtensions are the extensions of the files that the go command compiles.
var goExtensions = []string{
	".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90", ".s", ".S", ".sx",
	".swig", ".swigcxx", ".syso",
}

func goTree(dir string, acct *account.Account) tree {
	return tree{dir: dir, account: acct, enter: goFolder, matters: func(path string) bool {
		switch name := filepath.Base(path); name {
		case "go.mod", "go.sum", "go.work", "go.work.sum", "modules.txt":
			return true
		default:
			return !strings.HasSuffix(name, "_test.go") && slices.Contains(goExtensions, filepath.Ext(name))
		}
	}}
}

// goFolder reports whether the go command looks for packages in a folder of this name.
func goFolder(name string) bool {
	return name != "testdata" && name != "node_modules" && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_")
}

// embedDirective is a line of Go that takes files into the program.
var embedDirective = lazyregexp.New(`(?m)^//go:embed[ \t]+(.*)$`)

// embeddedFiles is a hash of the files that sources in dir embed.
func embeddedFiles(dir string, acct *account.Account) (string, error) {
	files := map[string]bool{}
	err := acct.Do(func() error {
		return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return ignoreMissing(err)
			case e.IsDir() && path != dir && !goFolder(e.Name()):
				return filepath.SkipDir
			case e.Type().IsRegular() && strings.HasSuffix(path, ".go"):
				return addEmbedded(files, path)
			}
			return nil
		})
	})
	if err != nil || len(files) == 0 {
		return "", err
	}
	return tree{
		dir: dir, account: acct, enter: func(string) bool { return true },
		matters: func(path string) bool { return covers(files, filepath.Join(dir, path)) },
	}.digest()
}

// covers reports whether a file, or a folder that it is in, is one of files.
func covers(files map[string]bool, path string) bool {
	for ; ; path = filepath.Dir(path) {
		if files[path] {
			return true
		}
		if path == filepath.Dir(path) {
			return false
		}
	}
}

func addEmbedded(files map[string]bool, source string) error {
	data, err := os.ReadFile(source)
	if err != nil {
		return ignoreMissing(err)
	}
	for _, m := range embedDirective.FindAllStringSubmatch(string(data), -1) {
		for pattern := range strings.FieldsSeq(m[1]) {
			if plain, err := strconv.Unquote(pattern); err == nil {
				pattern = plain
			}
			matches, err := filepath.Glob(filepath.Join(filepath.Dir(source), strings.TrimPrefix(pattern, "all:")))
			if errors.Is(err, filepath.ErrBadPattern) {
				continue // the compiler reports it
			}
			for _, match := range matches {
				files[match] = true
			}
		}
	}
	return nil
}
