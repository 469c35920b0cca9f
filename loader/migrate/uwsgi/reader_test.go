package uwsgi

import (
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/migratetest"
	"github.com/modgw/modgw/loader/migrate"
)

func TestConfigurationsOfUWSGI(t *testing.T) {
	migratetest.Golden(t, migrate.Options{Readers: []migrate.Reader{Reader{}}}, func(name, text string) (lines []int) {
		for i, line := range strings.Split(text, "\n") {
			if directive(name).MatchString(line) {
				lines = append(lines, i+1)
			}
		}
		return lines
	})
}

// directive matches the lines of a file that have an option.
func directive(name string) *regexp.Regexp {
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

func FuzzRead(f *testing.F) {
	migratetest.Fuzz(f, migrate.Options{Readers: []migrate.Reader{Reader{}}}, "app.ini")
}
