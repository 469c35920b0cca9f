package venv

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

const (
	markerName    = ".modgw-ok"
	maxMarkerSize = 1 << 20
)

// marker is the file that makes a folder an environment: it is written last. If the app has its own
// user, that user can write it too, so nothing in it decides which program is run.
type marker struct {
	ID          string          `json:"id"`
	App         modgw.AppName   `json:"app"`
	Source      string          `json:"source"`
	Builder     string          `json:"builder"`
	Interpreter string          `json:"interpreter"`
	Version     string          `json:"version"`
	Packages    []modgw.Package `json:"packages"`
	Built       time.Time       `json:"built"`
	Took        string          `json:"took"`
}

func (m marker) write(dir string) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, markerName), append(data, '\n'), 0o644)
}

// readMarker reads the marker in dir; false when there is none that can be believed.
func readMarker(dir string, acct *account.Account) (m marker, ok bool) {
	data, err := safepath.Opener{User: acct}.ReadFile(filepath.Join(dir, markerName), maxMarkerSize)
	if err != nil || json.Unmarshal(data, &m) != nil {
		return marker{}, false
	}
	return m, m.ID == filepath.Base(dir)
}

// complete reports whether the environment is complete, and returns its marker.
func (p *plan) complete() (marker, bool) {
	m, ok := readMarker(p.dir, p.account)
	if !ok {
		return m, false
	}
	err := p.account.Do(func() error { _, err := os.Stat(p.recipe.program(p.dir)); return err })
	return m, err == nil
}

// environment returns the part of a complete environment that a process needs to know.
func (p *plan) environment(m marker, took time.Duration) *modgw.Environment {
	env := p.recipe.environment(p.dir, m)
	env.ID, env.Dir, env.Built, env.Took = p.id(), p.dir, m.Built, took
	return &env
}

// variables are the variables of processes in an environment. Bytecode of the packages was written
// when they were installed. Python writes none for the app's own code: its user often may not, and
// Python detects a stale file only by size and second, so that a file saved twice within a second
// would stay at its first version. An app that wants bytecode sets PYTHONDONTWRITEBYTECODE = "" in
// its env.
func variables(dir string) []string {
	return []string{
		"PATH=" + filepath.Join(dir, "bin") + ":" + safePath,
		"VIRTUAL_ENV=" + dir,
		"PYTHONDONTWRITEBYTECODE=1",
	}
}
