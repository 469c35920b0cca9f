package venv

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// readProject reads the demands of .python-version and pyproject.toml in root for the interpreter.
func (in *inputs) readProject(root string, acct *account.Account) error {
	for _, source := range []struct {
		file string
		read func(*inputs, string) (demand, error)
	}{
		{".python-version", (*inputs).readPythonVersion},
		{"pyproject.toml", (*inputs).readRequiresPython},
	} {
		path := filepath.Join(root, source.file)
		in.watch(path)
		data, err := safepath.Opener{User: acct}.ReadFile(path, maxInputSize)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var dm demand
		if err == nil {
			dm, err = source.read(in, string(data))
		}
		if err != nil {
			return &modgw.Fault{
				Code:    "MGW-ENV-001",
				Summary: fmt.Sprintf("cannot learn from %q which Python is wanted", path),
				Err:     err,
				Hint:    "fix the file, or set python.version in the descriptor",
			}
		}
		if dm.text != "" {
			in.demands = append(in.demands, dm)
		}
	}
	return nil
}

// readPythonVersion reads the first version of the file, as pyenv does: of several on a line or on
// several lines the first is the one that "python" runs. pyenv-virtualenv writes
// "3.11.4/envs/site", with the version before the slash, or the bare name of a virtual environment,
// which contains no version.
func (in *inputs) readPythonVersion(content string) (demand, error) {
	for line := range strings.Lines(content) {
		text, _, _ := strings.Cut(line, "#")
		for name := range strings.FieldsSeq(text) {
			if name == "system" {
				return demand{}, nil
			}
			version, _, _ := strings.Cut(name, "/envs/")
			if !namesVersion(version) {
				in.notes = append(in.notes, fmt.Sprintf("%q in .python-version is no version of Python and is passed over", name))
				continue
			}
			return parseDemand(version, ".python-version")
		}
	}
	return demand{}, nil
}

func (in *inputs) readRequiresPython(content string) (demand, error) {
	var project struct {
		Project struct {
			RequiresPython string `toml:"requires-python"`
		} `toml:"project"`
	}
	if _, err := toml.Decode(content, &project); err != nil {
		return demand{}, err
	}
	if project.Project.RequiresPython == "" {
		return demand{}, nil
	}
	return parseRange(project.Project.RequiresPython, "requires-python of pyproject.toml")
}
