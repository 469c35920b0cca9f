package claims

import (
	"os"
	"strings"
	"testing"
)

func TestDamagedStoreIsAnError(t *testing.T) {
	for _, text := range []string{"", "\x00\x00", `{"format":1,"claims":[{"app":"a"}]}`, `{"format":2,"claims":[]}`, `{"format":1,"claims":[`,
		`{"format":1,"claims":[{"app":"a","file":"a.hcl","mount":"x"}]}`} {
		s := StoreIn(t.TempDir())
		if err := os.WriteFile(s.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if table, err := s.Read(); err == nil || table != nil || !strings.Contains(err.Error(), "cannot read") {
			t.Errorf("%q: %v, %v", text, table, err)
		}
	}
}

func TestStoreIsForItsOwnUserAlone(t *testing.T) {
	s := StoreIn(t.TempDir())
	if err := s.Write(claims("a - a.hcl /a")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
