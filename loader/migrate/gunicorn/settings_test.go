package gunicorn

import (
	"slices"
	"strings"
	"testing"
)

func TestNoSettingHasTwoRules(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range slices.Concat(appSettings, processSettings, listenerSettings, logSettings,
		reloadSettings) {
		for name := range strings.FieldsSeq(s.names) {
			if seen[name] {
				t.Errorf("%s is in two places", name)
			}
			seen[name] = true
		}
	}
	if len(seen) != len(settings) {
		t.Errorf("%d settings, want %d", len(settings), len(seen))
	}
}
