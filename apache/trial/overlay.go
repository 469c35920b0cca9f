package trial

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// largestFile is the largest size of a configuration file, in bytes; larger files are skipped.
const largestFile = 4 << 20

// including are lines that lead to further files.
var including = lazyregexp.New(`(?im)^[ \t]*(ServerRoot|Include|IncludeOptional)[ \t].*$`)

// Overlay copies the configuration in root into a new folder, and puts the files of changed in
// place of the old ones. The files that they include are then in the new folder as well.
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
		info, err := os.Stat(path) // follows links
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
