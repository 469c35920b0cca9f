package nginx_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/migratetest"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/gunicorn"
	"github.com/modgw/modgw/loader/migrate/launch"
	"github.com/modgw/modgw/loader/migrate/nginx"
	"github.com/modgw/modgw/loader/migrate/uwsgi"
)

var (
	quoted    = regexp.MustCompile(`"[^"]*"|#.*$|\$\{\w+\}`)
	directive = regexp.MustCompile(`[;{]`)
)

// everything returns options with the readers of nginx and of the servers behind it.
func everything() migrate.Options {
	return migrate.Options{
		Readers:  []migrate.Reader{nginx.Reader{}, launch.Systemd{}, uwsgi.Reader{}},
		Programs: []migrate.Program{gunicorn.Command{}},
	}
}

func FuzzRead(f *testing.F) { migratetest.Fuzz(f, everything(), "nginx.conf") }

func TestConfigurationsOfNginx(t *testing.T) {
	migratetest.Golden(t, everything(), func(name, text string) (lines []int) {
		if !strings.Contains(name, "nginx") && !strings.HasSuffix(name, ".conf") {
			return nil
		}
		for i, line := range strings.Split(text, "\n") {
			for range directive.FindAllString(quoted.ReplaceAllString(line, ""), -1) {
				lines = append(lines, i+1)
			}
		}
		return lines
	})
}
