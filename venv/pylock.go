package venv

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// pylock is a lock file of PEP 751.
type pylock struct {
	Version        string `toml:"lock-version"`
	RequiresPython string `toml:"requires-python"`
	Packages       []lockedPackage
}

type lockedPackage struct {
	Name      string
	Version   string
	Marker    string
	VCS       map[string]any
	Directory *struct {
		Path     string
		Editable bool
	}
	Archive *struct {
		URL    string
		Path   string
		Hashes map[string]string
	}
	Sdist  *lockedFile
	Wheels []lockedFile
}

type lockedFile struct {
	Hashes map[string]string
}

// pylockName matches the names of files with such a lock.
var pylockName = lazyregexp.New(`^pylock\.(?:[^.]+\.)?toml$`)

// readFoundPylock takes pylock.toml of root, or else its only pylock.NAME.toml.
func (in *inputs) readFoundPylock(d modgw.Descriptor, acct *account.Account) (bool, error) {
	in.watch(filepath.Join(d.Root, "pylock.toml"))
	var found []string
	err := acct.Do(func() error {
		entries, err := os.ReadDir(d.Root)
		for _, e := range entries {
			if pylockName.MatchString(e.Name()) && !e.IsDir() {
				found = append(found, e.Name())
			}
		}
		return err
	})
	if err != nil || len(found) == 0 {
		// A folder that cannot be listed may still have files with known names.
		return false, nil
	}
	name := found[0]
	if slices.Contains(found, "pylock.toml") {
		name = "pylock.toml"
	} else if len(found) > 1 {
		return true, unusableProject(d.Name, d.Root, fmt.Errorf("there are %s; name the right one in python.requirements", strings.Join(found, ", ")))
	}
	return true, in.readPylock(filepath.Join(d.Root, name), d, acct)
}

// readPylock takes one lock.
func (in *inputs) readPylock(path string, d modgw.Descriptor, acct *account.Account) error {
	in.watch(path)
	data, err := safepath.Opener{User: acct}.ReadFile(path, maxLockSize)
	var lock pylock
	if err == nil {
		err = toml.Unmarshal(data, &lock)
	}
	if err == nil && !strings.HasPrefix(lock.Version, "1.") {
		err = fmt.Errorf("its lock-version is %q, and only 1.x is known", lock.Version)
	}
	if err == nil && lock.RequiresPython != "" {
		err = in.demandRange(lock.RequiresPython, "requires-python of "+filepath.Base(path))
	}
	for _, p := range lock.Packages {
		if err == nil && p.Directory != nil {
			err = in.readLocal(filepath.Join(filepath.Dir(path), p.Directory.Path), p.Directory.Editable, acct)
		}
	}
	if err != nil {
		return unusableProject(d.Name, path, err)
	}
	in.source, in.lock = files.Relative(d.Root, path)+selection(d.Python), path
	in.decide("pylock", string(data))
	in.decide(append([]string{"extras"}, d.Python.Extras...)...)
	in.decide(append([]string{"groups"}, d.Python.Groups...)...)
	in.pins, in.unpinnable = lock.pins()
	return nil
}

func (in *inputs) demandRange(text, from string) error {
	dm, err := parseRange(text, from)
	if err == nil {
		in.demands = append(in.demands, dm)
	}
	return err
}

// pins returns a requirements file that means the same as the lock, for a pip that cannot read the
// lock. An error names an entry that requirements cannot express.
func (l pylock) pins() ([]string, error) {
	var lines []string
	for _, p := range l.Packages {
		line, err := p.pin()
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (p lockedPackage) pin() (string, error) {
	hashes := p.hashes()
	var line string
	switch {
	case p.VCS != nil:
		return "", fmt.Errorf("%q comes from version control", p.Name)
	case p.Directory != nil:
		return "", fmt.Errorf("%q comes from a folder", p.Name)
	case len(hashes) == 0:
		return "", fmt.Errorf("%q has no hash", p.Name)
	case strings.Contains(p.Marker, "dependency_groups") || strings.Contains(p.Marker, "extras"):
		return "", fmt.Errorf("%q depends on extras or groups", p.Name)
	case p.Archive != nil && p.Archive.URL == "":
		return "", fmt.Errorf("%q comes from a file", p.Name)
	case p.Archive != nil:
		line = p.Name + " @ " + p.Archive.URL
	case p.Version == "":
		return "", fmt.Errorf("%q has no version", p.Name)
	default:
		line = p.Name + "==" + p.Version
	}
	if p.Marker != "" {
		line += " ; " + p.Marker
	}
	for _, hash := range hashes {
		line += " --hash=" + hash
	}
	if strings.ContainsAny(line, "\r\n\x00") {
		return "", fmt.Errorf("%q is no requirement", line)
	}
	return line, nil
}

// hashes returns the hashes of all files of the package that pip supports, as "sha256:…".
func (p lockedPackage) hashes() []string {
	all := map[string]bool{}
	add := func(hashes map[string]string) {
		for _, algorithm := range []string{"sha256", "sha384", "sha512"} {
			if value := hashes[algorithm]; value != "" {
				all[algorithm+":"+value] = true
			}
		}
	}
	if p.Archive != nil {
		add(p.Archive.Hashes)
	}
	if p.Sdist != nil {
		add(p.Sdist.Hashes)
	}
	for _, wheel := range p.Wheels {
		add(wheel.Hashes)
	}
	return slices.Sorted(maps.Keys(all))
}

// pipReadsLocks reports whether pip can read a lock file.
func pipReadsLocks(version string) bool { return atLeast(version, 26, 1) }

func unreadableLock(p *plan, r *pythonRecipe) error {
	return &modgw.Fault{
		Code:    "MGW-ENV-024",
		Summary: fmt.Sprintf("cannot install from %q for app %q without uv", r.inputs.source, p.descriptor.Name),
		Err:     r.inputs.unpinnable,
		Hint:    "install uv, or pip 26.1 or newer for this Python, or export the lock: uv export -o requirements.txt",
	}
}
