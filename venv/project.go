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

// readProject takes what .python-version and pyproject.toml in root ask of the interpreter.
func (in *inputs) readProject(root string, acct *account.Account) error {
	for _, source := range []struct {
		file string
		read func(string) (demand, error)
	}{
		{".python-version", readPythonVersion},
		{"pyproject.toml", readRequiresPython},
	} {
		path := filepath.Join(root, source.file)
		in.watch(path)
		data, err := safepath.Opener{User: acct}.ReadFile(path, maxInputSize)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var dm demand
		if err == nil {
			dm, err = source.read(string(data))
		}
		if err != nil {
			return &modgw.Fault{
				Code:    "MGW-ENV-001",
				Summary: fmt.Sprintf("cannot learn from %q which Python is wanted", path),
				Err:     err,
				Hint:    "mend the file, or set python.version in the descriptor",
			}
		}
		if dm.text != "" {
			in.demands = append(in.demands, dm)
		}
	}
	return nil
}

// readPythonVersion takes the first line that says something, as pyenv and uv do.
func readPythonVersion(content string) (demand, error) {
	for line := range strings.Lines(content) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line == "system" {
			break
		}
		return parseDemand(line, ".python-version")
	}
	return demand{}, nil
}

func readRequiresPython(content string) (demand, error) {
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
