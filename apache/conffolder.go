package apache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/atomicfile"
)

// Folder is a folder whose *.conf files Apache includes. Its manifest names the files that
// modgw-host has written there: no other file is replaced or removed, and none that was edited
// since.
type Folder struct {
	// Dir is the path of the folder.
	Dir string

	// Control is apachectl. When it is set, Update lets Apache check the files and load them.
	Control string
}

// Changes are the names of the files that Update wrote and removed, sorted.
type Changes struct {
	Written   []string `json:"written"`   // Written are new or replaced.
	Removed   []string `json:"removed"`   // Removed are gone.
	Unchanged []string `json:"unchanged"` // Unchanged were already as they should be.
}

// manifestName is the file that lists the written files. Apache does not include it.
const manifestName = "modgw-manifest.json"

// manifest lists the files of the last update.
type manifest struct {
	// Files holds the SHA-256 of each file by its name.
	Files map[string]string `json:"files"`

	// Arguments are the flags of the command that wrote the files.
	Arguments []string `json:"arguments,omitempty"`
}

// Update makes the folder hold exactly these files, and leaves files that others put there. If
// Apache does not accept them, the folder is restored, and the error has Apache's message. The
// folder is created if it is missing. Update records the arguments with which the files were made.
func (f Folder) Update(ctx context.Context, files []File, arguments []string) (Changes, error) {
	if err := os.MkdirAll(f.Dir, 0o755); err != nil {
		return Changes{}, folderFault(f.Dir, err)
	}
	unlock, err := f.lock()
	if err != nil {
		return Changes{}, folderFault(f.Dir, err)
	}
	defer unlock()
	u, err := f.plan(files, arguments)
	if err != nil {
		return Changes{}, err
	}
	if err := replaceAll(f.Dir, u.after); err != nil {
		return Changes{}, errors.Join(folderFault(f.Dir, err), replaceAll(f.Dir, u.before))
	}
	if f.Control == "" {
		return u.changes, nil
	}
	if output, err := ask(ctx, f.Control, "configtest"); err != nil {
		return Changes{}, errors.Join(rejected(output, err), replaceAll(f.Dir, u.before))
	}
	if output, err := ask(ctx, f.Control, "graceful"); err != nil {
		return Changes{}, notReloaded(f.Control, output, err)
	}
	return u.changes, nil
}

// lock keeps other updates of the folder out until unlock is called.
func (f Folder) lock() (unlock func(), err error) {
	dir, err := os.Open(f.Dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return func() { _ = dir.Close() }, nil
}

// update is a change of a folder, with the content before it.
type update struct {
	changes Changes
	after   map[string][]byte // nil: the file is removed
	before  map[string][]byte // nil: there was none
}

func (f Folder) plan(files []File, arguments []string) (*update, error) {
	known, text, err := f.read()
	if err != nil {
		return nil, err
	}
	u := &update{after: map[string][]byte{}, before: map[string][]byte{}}
	u.changes = Changes{Written: []string{}, Removed: []string{}, Unchanged: []string{}}
	wanted := manifest{Files: map[string]string{}, Arguments: arguments}
	for _, file := range files {
		wanted.Files[file.Name] = sum(file.Text)
		now, err := f.own(file.Name, known)
		switch {
		case err != nil:
			return nil, err
		case now != nil && sum(now) == wanted.Files[file.Name]:
			u.changes.Unchanged = append(u.changes.Unchanged, file.Name)
		default:
			u.before[file.Name], u.after[file.Name] = now, file.Text
			u.changes.Written = append(u.changes.Written, file.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known.Files)) {
		if wanted.Files[name] != "" {
			continue
		}
		now, err := f.own(name, known)
		if err != nil {
			return nil, err
		}
		if now != nil {
			u.before[name], u.after[name] = now, nil
			u.changes.Removed = append(u.changes.Removed, name)
		}
	}
	written, err := json.MarshalIndent(wanted, "", "  ")
	if err != nil {
		return nil, err
	}
	u.before[manifestName], u.after[manifestName] = text, append(written, '\n')
	return u, nil
}

// read returns the manifest and its text; nothing where there is none.
func (f Folder) read() (known manifest, text []byte, err error) {
	text, err = os.ReadFile(filepath.Join(f.Dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	if err != nil {
		return known, nil, folderFault(f.Dir, err)
	}
	return known, text, nil
}

// Arguments returns the arguments of the last Update, or nil if there was none.
func (f Folder) Arguments() ([]string, error) {
	known, _, err := f.read()
	return known.Arguments, err
}

// own returns the content of a file that must be as it was written; nil without a file.
func (f Folder) own(name string, known manifest) ([]byte, error) {
	if name != filepath.Base(name) {
		return nil, folderFault(f.Dir, errors.New("the manifest names a file elsewhere: "+name))
	}
	path := filepath.Join(f.Dir, name)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, folderFault(f.Dir, err)
	case known.Files[name] == "":
		return nil, fileOfOthers(path)
	case known.Files[name] != sum(text):
		return nil, editedFile(path)
	}
	return text, nil
}

// replaceAll writes the contents of files, and removes the files whose content is nil.
func replaceAll(dir string, contents map[string][]byte) error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		path := filepath.Join(dir, name)
		err := error(nil)
		if text := contents[name]; text != nil {
			err = atomicfile.Write(path, text, 0o644)
		} else if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

func sum(text []byte) string {
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:])
}
