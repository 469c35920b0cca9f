package unit

import (
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/migratetest"
	"github.com/modgw/modgw/loader/migrate"
)

var key = regexp.MustCompile(`"[^"]*"\s*:`)

func TestConfigurationsOfUnit(t *testing.T) {
	migratetest.Golden(t, migrate.Options{Readers: []migrate.Reader{Reader{}}}, func(name, text string) (lines []int) {
		if !strings.HasSuffix(name, ".json") {
			return nil
		}
		for i, line := range strings.Split(text, "\n") {
			for range key.FindAllString(line, -1) {
				lines = append(lines, i+1)
			}
		}
		return lines
	})
}

func FuzzRead(f *testing.F) {
	migratetest.Fuzz(f, migrate.Options{Readers: []migrate.Reader{Reader{}}}, "unit.json")
}
