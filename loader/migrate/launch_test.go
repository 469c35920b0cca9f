package migrate_test

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/gunicorn"
	"github.com/modgw/modgw/loader/migrate/launch"
	"github.com/modgw/modgw/loader/migrate/uwsgi"
)

// launching returns options with the readers that such files require.
func launching() migrate.Options {
	return migrate.Options{
		Readers: []migrate.Reader{
			launch.Systemd{}, launch.Supervisor{}, launch.Procfile{}, launch.Dockerfile{}, launch.Script{},
			gunicorn.Reader{}, uwsgi.Reader{},
		},
		Programs: append(gunicorn.Others(), gunicorn.Command{}, uwsgi.Command{}),
	}
}

func TestFilesThatStartServers(t *testing.T) {
	compareGolden(t, launching(), "launch", launchDirectives)
}

func FuzzLaunch(f *testing.F) { fuzz(f, launching(), "launch", "service") }

var (
	launchComment = regexp.MustCompile(`^\s*([#;\[]|$)`)
	launchOption  = regexp.MustCompile(`\s(-\w\b|--[\w-]+)`)
	launchServer  = regexp.MustCompile(`\b(?:gunicorn|uwsgi|uvicorn|hypercorn|daphne|granian|waitress-serve)["']?,? `)
	launchEntry   = regexp.MustCompile(`[\w.]+[.:]\w+(?:\('x'\))?["']?\s*$|shop:make|api.main:app|main:app|blog.wsgi |\$APP`)
)

// launchDirectives counts a directive for each line that is neither a comment nor a continuation,
// and one for each option and app of a command line.
func launchDirectives(name, text string) (lines []int) {
	all := strings.Split(text, "\n")
	if path.Base(path.Dir(name)) == "default" {
		return nil // variables, which are not migrated
	}
	for i := 0; i < len(all); i++ {
		number, line := i+1, all[i]
		python := strings.HasSuffix(name, ".py")
		if launchComment.MatchString(line) || python && (strings.HasPrefix(line, " ") && !strings.Contains(line, "loglevel") || strings.HasPrefix(line, "if ") || strings.HasPrefix(line, "print")) ||
			!python && strings.HasPrefix(line, "    ") {
			continue
		}
		for strings.HasSuffix(line, `\`) {
			i++
			line = strings.TrimSuffix(line, `\`) + all[i]
		}
		lines = append(lines, number)
		if python {
			for range strings.Count(line, " = ") - 1 + strings.Count(strings.Split(line, " = ")[0], ", ") {
				if !strings.HasPrefix(line, "import") {
					lines = append(lines, number)
				}
			}
			if strings.HasPrefix(line, "import ") {
				continue
			}
		}
		at := launchServer.FindStringIndex(line)
		if at == nil || strings.HasPrefix(line, "Environment") || strings.HasPrefix(line, "web: gunicorn other") {
			continue
		}
		command := line[at[1]-1:]
		command = strings.NewReplacer(`", "`, " ", `"]`, "", `"`, "").Replace(command)
		for range launchOption.FindAllString(command, -1) {
			lines = append(lines, number)
		}
		if launchEntry.MatchString(command) {
			lines = append(lines, number)
		}
	}
	return lines
}
