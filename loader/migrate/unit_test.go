package migrate_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/unit"
)

var unitKey = regexp.MustCompile(`"[^"]*"\s*:`)

func TestConfigurationsOfUnit(t *testing.T) {
	compareGolden(t, migrate.Options{Readers: []migrate.Reader{unit.Reader{}}}, "unit", func(name, text string) (lines []int) {
		if !strings.HasSuffix(name, ".json") {
			return nil
		}
		for i, line := range strings.Split(text, "\n") {
			for range unitKey.FindAllString(line, -1) {
				lines = append(lines, i+1)
			}
		}
		return lines
	})
}

func FuzzUnit(f *testing.F) {
	fuzz(f, migrate.Options{Readers: []migrate.Reader{unit.Reader{}}}, "unit", "unit.json")
}
