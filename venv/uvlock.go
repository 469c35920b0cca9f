package venv

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// maxLockSize bounds lock files, which name every file of every package.
const maxLockSize = 32 << 20

// uvLock is what uv.lock says of projects on this machine.
type uvLock struct {
	Package []struct {
		Source struct {
			Editable  string // relative to the lock
			Directory string
			Path      string
		}
	}
}

// readUVLock takes the uv.lock in root, if there is one.
func (in *inputs) readUVLock(d modgw.Descriptor, acct *account.Account) (bool, error) {
	path := filepath.Join(d.Root, "uv.lock")
	in.watch(path)
	data, err := safepath.Opener{User: acct}.ReadFile(path, maxLockSize)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var lock uvLock
	if err == nil {
		err = decodeTOML(data, &lock)
	}
	if err == nil {
		err = in.readProjectFiles(d.Root, acct)
	}
	if err != nil {
		return true, unusableProject(d.Name, path, err)
	}
	in.source, in.project = "uv.lock"+selection(d.Python), d.Root
	in.decide("uv.lock", d.Root, string(data))
	in.decide(append([]string{"extras"}, d.Python.Extras...)...)
	in.decide(append([]string{"groups"}, d.Python.Groups...)...)
	for _, p := range lock.Package {
		for local, editable := range map[string]bool{p.Source.Editable: true, p.Source.Directory: false, p.Source.Path: false} {
			if local == "" || local == "." {
				continue
			}
			if err := in.readLocal(filepath.Join(d.Root, local), editable, acct); err != nil {
				return true, unusableProject(d.Name, path, err)
			}
		}
	}
	return true, nil
}

// readScriptLock takes the lock that uv lock --script wrote beside a script, if there is one.
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

// needsUV reports whether only uv can install what was found.
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
