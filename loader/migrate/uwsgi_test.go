package migrate_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/uwsgi"
)

func TestConfigurationsOfUWSGI(t *testing.T) {
	compareGolden(t, migrate.Options{Readers: []migrate.Reader{uwsgi.Reader{}}}, "uwsgi", func(name, text string) (lines []int) {
		for i, line := range strings.Split(text, "\n") {
			if uwsgiDirective(name).MatchString(line) {
				lines = append(lines, i+1)
			}
		}
		return lines
	})
}

// uwsgiDirective matches the lines of a file that have an option.
func uwsgiDirective(name string) *regexp.Regexp {
	switch {
	case strings.HasSuffix(name, ".ini"):
		return regexp.MustCompile(`^\s*[^#;\[\s]`)
	case strings.HasSuffix(name, ".xml"):
		return regexp.MustCompile(`^  <`)
	case strings.HasSuffix(name, ".yaml"):
		return regexp.MustCompile(`^  (?:\w+( =|: ?\S)|  - )`)
	case strings.HasSuffix(name, ".json"):
		return regexp.MustCompile(`^  "`)
	}
	return regexp.MustCompile(`^\b\B`)
}

func FuzzUWSGI(f *testing.F) {
	fuzz(f, migrate.Options{Readers: []migrate.Reader{uwsgi.Reader{}}}, "uwsgi", "app.ini")
}
