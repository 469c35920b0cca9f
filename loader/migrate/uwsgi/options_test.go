package uwsgi

import (
	"strings"
	"testing"

	"github.com/modgw/modgw/loader/migrate/pyapp"
)

func TestNoOptionHasTwoRules(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, o := range (&config{App: &pyapp.App{}}).options() {
		for name := range strings.FieldsSeq(o.Names) {
			if seen[name] {
				t.Errorf("%s is in two places", name)
			}
			seen[name] = true
		}
	}
}
