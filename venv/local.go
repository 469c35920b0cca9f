package venv

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/safepath"
)

// projectFiles are the files in which a Python project describes its installation.
var projectFiles = []string{"pyproject.toml", "setup.py", "setup.cfg"}

// readLocal makes a project, or a single archive, on this machine part of the inputs. The code of
// an editable project is run where it is, so only its installation settings count. Any other is
// copied, with all its files.
func (in *inputs) readLocal(path string, editable bool, acct *account.Account) error {
	in.decide("local " + path)
	if sum, isFile, err := archiveDigest(path, acct); isFile || err != nil {
		in.watch(path)
		in.decide(sum)
		return err
	}
	if err := in.readProjectFiles(path, acct); err != nil || editable {
		return err
	}
	in.copies = true
	sum, err := tree{
		dir: path, account: acct, enter: sourceFolder,
		matters: func(file string) bool { return !strings.HasSuffix(file, ".pyc") },
	}.digest()
	in.decide(sum)
	return err
}

// readProjectFiles makes the installation settings of a project part of the inputs.
func (in *inputs) readProjectFiles(dir string, acct *account.Account) error {
	for _, name := range projectFiles {
		path := filepath.Join(dir, name)
		in.watch(path)
		data, err := safepath.Opener{User: acct}.ReadFile(path, maxInputSize)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		if err != nil {
			return err
		}
		text := string(data)
		if name == "pyproject.toml" {
			text = installationPart(text)
		}
		in.decide(name, text)
	}
	return nil
}

// archiveDigest is the hash of a wheel or source distribution; false when the path is no file.
func archiveDigest(path string, acct *account.Account) (sum string, isFile bool, err error) {
	real, _, err := fileState(path, acct)
	if err != nil {
		return "", false, ignoreMissing(err) // the installer has a better error
	}
	err = acct.Do(func() error {
		sum, _, err = digestFile(real, maxTreeSize)
		return err
	})
	return sum, sum != fs.ModeDir.String(), err
}

var (
	editableOption = lazyregexp.New(`^(?:-e|--editable)(?:\s*=\s*|\s+|$)`)
	directName     = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*@\s*`)
	trailingExtras = lazyregexp.New(`\[[^\]/]*\]$`)
)

// localPath is the path that a requirement names, relative to the app's root or absolute; false
// when it names none.
func localPath(line string) (path string, editable, ok bool) {
	rest := editableOption.ReplaceAllString(line, "")
	editable = rest != line
	rest = directName.ReplaceAllString(rest, "")
	rest, _, _ = strings.Cut(rest, " ")
	rest, _, _ = strings.Cut(rest, ";")
	rest, _, _ = strings.Cut(rest, "#")
	rest = trailingExtras.ReplaceAllString(strings.Trim(rest, `"'`), "")
	if file, isFile := strings.CutPrefix(rest, "file:"); isFile {
		return strings.TrimPrefix(strings.TrimPrefix(file, "//localhost"), "//"), editable, true
	}
	switch {
	case rest == "" || strings.Contains(rest, "://") || strings.HasPrefix(rest, "-"):
		return "", false, false
	case editable, strings.HasPrefix(rest, "."), strings.Contains(rest, "/"):
		return rest, editable, true
	}
	return "", false, false
}

// readLocalRequirement reads the project that a requirement names, if it names one.
func (in *inputs) readLocalRequirement(line, root string, acct *account.Account) error {
	path, editable, ok := localPath(line)
	if !ok {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	return in.readLocal(path, editable, acct)
}
