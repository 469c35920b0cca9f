package uwsgi

import (
	"strings"
	"testing"
)

func TestNoOptionHasTwoRules(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, o := range valued() {
		for name := range strings.FieldsSeq(o.names) {
			if seen[name] {
				t.Errorf("%s is in two places", name)
			}
			seen[name] = true
		}
	}
}
