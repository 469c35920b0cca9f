package migrate_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/gunicorn"
	"github.com/modgw/modgw/loader/migrate/launch"
	"github.com/modgw/modgw/loader/migrate/nginx"
	"github.com/modgw/modgw/loader/migrate/uwsgi"
)

var (
	nginxQuoted    = regexp.MustCompile(`"[^"]*"|#.*$|\$\{\w+\}`)
	nginxDirective = regexp.MustCompile(`[;{]`)
)

// besideNginx returns options with the readers of nginx and of the servers behind it.
func besideNginx() migrate.Options {
	return migrate.Options{
		Readers:  []migrate.Reader{nginx.Reader{}, launch.Systemd{}, uwsgi.Reader{}},
		Programs: []migrate.Program{gunicorn.Command{}},
	}
}

func FuzzNginx(f *testing.F) { fuzz(f, besideNginx(), "nginx", "nginx.conf") }

func TestConfigurationsOfNginx(t *testing.T) {
	compareGolden(t, besideNginx(), "nginx", func(name, text string) (lines []int) {
		if !strings.Contains(name, "nginx") && !strings.HasSuffix(name, ".conf") {
			return nil
		}
		for i, line := range strings.Split(text, "\n") {
			for range nginxDirective.FindAllString(nginxQuoted.ReplaceAllString(line, ""), -1) {
				lines = append(lines, i+1)
			}
		}
		return lines
	})
}
