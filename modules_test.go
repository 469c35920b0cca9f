package manual

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// TestGoInstallTakesTheModule checks that go.mod meets the requirements of go install: it replaces
// and excludes nothing. The nested modules replace this one for themselves alone.
func TestGoInstallTakesTheModule(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct{ Replace, Exclude, Tool []any }
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) > 0 || len(mod.Exclude) > 0 {
		t.Errorf("go.mod replaces %v and excludes %v", mod.Replace, mod.Exclude)
	}
	if len(mod.Tool) > 0 {
		t.Errorf("go.mod lists tools, which belong in tests/go.mod: %v", mod.Tool)
	}
}
