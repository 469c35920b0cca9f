package gunicorn

import (
	"strings"
	"testing"

	"github.com/modgw/modgw/loader/migrate/pyapp"
)

func TestNoSettingHasTwoRules(t *testing.T) {
	t.Parallel()
	s := newServer(&pyapp.App{}, nil)
	seen := map[string]bool{}
	for _, one := range s.settings() {
		for name := range strings.FieldsSeq(one.Names) {
			if seen[name] {
				t.Errorf("%s is in two places", name)
			}
			seen[name] = true
		}
	}
	if len(seen) != len(s.rules) {
		t.Errorf("%d settings, want %d", len(s.rules), len(seen))
	}
}
