package venv

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// maxLockSize bounds lock files, which name every file of every package.
const maxLockSize = 32 << 20

// uvLock is the part of uv.lock about projects on this machine.
type uvLock struct {
	Package []struct {
		Source struct {
			Editable  string // relative to the lock
			Virtual   string
			Directory string
			Path      string
		}
	}
}

// hasMember reports whether a folder, relative to the lock, is a project that the lock was made
// for.
func (l uvLock) hasMember(dir string) bool {
	for _, p := range l.Package {
		if p.Source.Editable == dir || p.Source.Virtual == dir {
			return true
		}
	}
	return false
}

// readUVLock reads the uv.lock in root, if there is one, or that of a workspace of which root is a
// member.
func (in *inputs) readUVLock(d modgw.Descriptor, acct *account.Account) (bool, error) {
	path := filepath.Join(d.Root, "uv.lock")
	in.watch(path)
	data, err := safepath.Opener{User: acct}.ReadFile(path, maxLockSize)
	var lock uvLock
	if err == nil {
		err = toml.Unmarshal(data, &lock)
	}
	if errors.Is(err, fs.ErrNotExist) {
		found := false
		if path, data, lock, found = workspaceLock(d.Root, acct); !found {
			return false, nil
		}
		in.watch(path)
		err = in.readProjectFiles(filepath.Dir(path), acct)
	}
	if err == nil {
		err = in.readProjectFiles(d.Root, acct)
	}
	if err != nil {
		return true, unusableProject(d.Name, path, err)
	}
	in.source, in.project = files.Relative(d.Root, path)+selection(d.Python), d.Root
	in.decide("uv.lock", d.Root, string(data))
	in.decide(append([]string{"extras"}, d.Python.Extras...)...)
	in.decide(append([]string{"groups"}, d.Python.Groups...)...)
	for _, p := range lock.Package {
		for local, editable := range map[string]bool{p.Source.Editable: true, p.Source.Directory: false, p.Source.Path: false} {
			folder := filepath.Join(filepath.Dir(path), local)
			if local == "" || folder == d.Root || local == "." {
				continue
			}
			if err := in.readLocal(folder, editable, acct); err != nil {
				return true, unusableProject(d.Name, path, err)
			}
		}
	}
	return true, nil
}

// workspaceLock finds the uv.lock of the workspace of which the project in root is a member.
func workspaceLock(root string, acct *account.Account) (path string, data []byte, lock uvLock, found bool) {
	if !isRegular(filepath.Join(root, "pyproject.toml"), acct) {
		return "", nil, lock, false
	}
	for dir := root; dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		path = filepath.Join(dir, "uv.lock")
		data, err := safepath.Opener{User: acct}.ReadFile(path, maxLockSize)
		if err != nil || toml.Unmarshal(data, &lock) != nil {
			continue
		}
		member, err := filepath.Rel(dir, root)
		return path, data, lock, err == nil && lock.hasMember(member)
	}
	return "", nil, lock, false
}

// readScriptLock reads the lock that uv lock --script wrote next to a script, if there is one.
func (in *inputs) readScriptLock(script string, acct *account.Account) error {
	path := script + ".lock"
	in.watch(path)
	data, err := safepath.Opener{User: acct}.ReadFile(path, maxLockSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	in.script, in.source = script, filepath.Base(path)
	in.decide("script lock", string(data))
	return nil
}

// needsUV reports whether only uv can install the inputs.
func (in *inputs) needsUV() bool { return in.project != "" || in.script != "" }

func withoutUV(p *plan, r *pythonRecipe) error {
	export := "uv export -o pylock.toml"
	if r.inputs.script != "" {
		export = fmt.Sprintf("uv export --script %s -o requirements.txt", filepath.Base(r.inputs.script))
	}
	return &modgw.Fault{
		Code:    "MGW-ENV-024",
		Summary: fmt.Sprintf("cannot install from %q for app %q without uv", r.inputs.source, p.descriptor.Name),
		Hint:    "install uv into a folder of the host's PATH where the app's user can run it, or export the lock: " + export,
	}
}
