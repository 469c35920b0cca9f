package trial

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// largestFile is how many bytes a file of a configuration may have; others are left out.
const largestFile = 4 << 20

// including are lines that lead to further files.
var including = lazyregexp.New(`(?im)^[ \t]*(ServerRoot|Include|IncludeOptional)[ \t].*$`)

// Overlay copies the configuration in root into a new folder, with the files of changed, at the
// same places, instead of the old ones. What the files include is then in the new folder, too.
func Overlay(root, changed, into string) error {
	for _, from := range []string{root, changed} {
		if err := copyFiles(from, into, root); err != nil {
			return err
		}
	}
	return nil
}

func copyFiles(from, into, root string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(into, name)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		info, err := os.Stat(path) // what a link leads to
		if err != nil || !info.Mode().IsRegular() || info.Size() > largestFile {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text = including.ReplaceAllFunc(text, func(line []byte) []byte {
			return []byte(strings.ReplaceAll(string(line), root, into))
		})
		return os.WriteFile(target, text, 0o600)
	})
}
