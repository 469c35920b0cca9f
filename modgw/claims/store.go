package claims

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modgw/modgw/internal/atomicfile"
)

// Store keeps the claims of a host in its state folder.
type Store struct{ path string }

// StoreIn returns the store of the host with the given state folder. It does not access the folder.
func StoreIn(state string) Store { return Store{filepath.Join(state, "claims.json")} }

// format is the version of a store's format. A file with another version is not read.
const format = 1

type content struct {
	Format int     `json:"format"`
	Claims []Claim `json:"claims"`
}

// Read returns the claims in the order in which they were granted. There are none before the first
// Write. An error means that the file cannot be used; the claims of the descriptors then apply.
func (s Store) Read() ([]Claim, error) {
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c content
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", s.path, err)
	}
	if c.Format != format {
		return nil, fmt.Errorf("cannot read %q: it has format %d, not %d", s.path, c.Format, format)
	}
	for i, claim := range c.Claims {
		if claim.App == "" || claim.File == "" || claim.Mount != "" && claim.Mount[0] != '/' {
			return nil, fmt.Errorf("cannot read %q: claim %d is incomplete", s.path, i+1)
		}
	}
	return c.Claims, nil
}

// Write replaces the claims. Only the host's own user may read the file.
func (s Store) Write(table []Claim) error {
	text, err := json.MarshalIndent(content{format, table}, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(s.path, append(text, '\n'), 0o600)
}
