package launch

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
	"github.com/modgw/modgw/loader/migrate/shellwords"
)

// Dockerfile reads the last stage of a Dockerfile.
type Dockerfile struct{}

// Name returns the name of the format.
func (Dockerfile) Name() string { return "Dockerfile" }

var (
	fromLine    = lazyregexp.New(`(?mi)^FROM\s+\S+`)
	commandLine = lazyregexp.New(`(?mi)^(?:CMD|ENTRYPOINT|RUN|COPY)\s`)
	pythonImage = lazyregexp.New(`(?:^|/)python:(\d+\.\d+)`)
)

// Recognise looks for FROM and another instruction.
func (Dockerfile) Recognise(s migrate.Source) int {
	if fromLine.MatchString(s.Text) && commandLine.MatchString(s.Text) {
		return 70
	}
	return 0
}

// image is the result of the instructions of a Dockerfile.
type image struct {
	launcher
	source  migrate.Source
	workdir string
	// folders of the image, and the folders of the project from which they were copied
	copied  map[string]string
	version string
	entry   []string // words of ENTRYPOINT
	env     [][2]string
}

// Read reads a Dockerfile.
func (Dockerfile) Read(s migrate.Source, p *migrate.Plan) {
	s, ok := p.Template(s, []migrate.Syntax{migrate.Braces, migrate.ERB, migrate.At})
	if !ok {
		return
	}
	d := &image{source: s, workdir: "/", copied: map[string]string{}}
	d.launcher = launcher{plan: p, base: migrate.Command{Place: s.Place(1), Env: map[string]string{}}}
	skipped := func(next string) bool { return next == "" || next[0] == '#' }
	for _, one := range joinLines(s, "#", skipped) {
		name, argument, _ := strings.Cut(one.text, " ")
		name, argument = strings.ToUpper(name), strings.TrimSpace(argument)
		if name == "FROM" { // a new stage
			d.workdir, d.version, d.entry = "/", "", nil
		}
		d.follow(one.place, name, argument).Report(p, one.place, name)
	}
	for _, app := range d.apps {
		for _, one := range d.env {
			setEnv(app, one[0], one[1])
		}
		if d.version != "" && app.Value("python.venv") == nil {
			app.Set("python.version", d.version)
		}
	}
}

func (d *image) follow(at migrate.Place, name, argument string) pyapp.Outcome {
	d.base.Place = at
	switch name {
	case "FROM":
		if m := pythonImage.FindStringSubmatch(argument); m != nil {
			d.version = m[1]
			return pyapp.Translated("python.version = %q", m[1])
		}
		return pyapp.NotNeeded("the app runs on the host's own system")
	case "WORKDIR":
		d.workdir = join(d.workdir, argument)
		return pyapp.Translated("root is the folder that is copied there")
	case "COPY", "ADD":
		var words []string
		for _, word := range shellwords.Fields(argument) {
			if !strings.HasPrefix(word, "--") {
				words = append(words, word)
			}
		}
		if len(words) == 2 && !strings.Contains(argument, "--from=") {
			d.copied[strings.TrimSuffix(join(d.workdir, words[1]), "/")] = join(path.Dir(d.source.Path), words[0])
		}
		return pyapp.NotNeeded("the app's files stay where they are")
	case "ENV", "ARG":
		if name == "ARG" {
			return pyapp.NotNeeded("it is for building the image")
		}
		return d.environment(argument)
	case "USER":
		d.base.User, _, _ = strings.Cut(argument, ":")
		return pyapp.Translated("user")
	case "EXPOSE":
		return pyapp.NotNeeded("requests come through the listeners of the host")
	case "RUN":
		if strings.Contains(argument, "pip install") || strings.Contains(argument, "poetry install") || strings.Contains(argument, "uv sync") || strings.Contains(argument, "uv pip") {
			return pyapp.NotNeeded("the host installs the packages that the project asks for")
		}
		return pyapp.ByHand("do it on this machine if the app needs it: %s", migrate.Show(argument))
	case "ENTRYPOINT":
		d.entry = execForm(argument)
		d.start(d.entry, argument)
		if len(d.apps) > 0 {
			return pyapp.Translated("app %s", names(d.apps))
		}
		return pyapp.ByHand("the script that the image begins with: see what it does: %s", migrate.Show(argument))
	case "CMD":
		if len(d.apps) > 0 && d.entry != nil {
			return pyapp.ByHand("arguments of ENTRYPOINT: see whether they matter: %s", migrate.Show(argument))
		}
		d.start(execForm(argument), argument)
		if len(d.apps) > 0 {
			return pyapp.Translated("app %s", names(d.apps))
		}
		return pyapp.ByHand("no server that is known: make an http block of the command: %s", migrate.Show(argument))
	case "HEALTHCHECK":
		return pyapp.ByHand("set health { path }: %s", migrate.Show(argument))
	case "VOLUME", "LABEL", "STOPSIGNAL", "SHELL", "MAINTAINER":
		return pyapp.NotNeeded("it is about the image")
	}
	return pyapp.ByHand("no instruction that is known")
}

// execForm returns the words of an argument in JSON, nil for a line of shell.
func execForm(argument string) []string {
	var words []string
	if json.Unmarshal([]byte(argument), &words) != nil {
		return nil
	}
	return words
}

// start follows the command that the image runs.
func (d *image) start(words []string, line string) {
	d.base.Dir = d.project()
	if words != nil {
		d.command(nil, words)
		return
	}
	d.run(line)
}

// project is the folder of which the working directory is a copy.
func (d *image) project() string {
	if dir, ok := d.copied[strings.TrimSuffix(d.workdir, "/")]; ok {
		return dir
	}
	return path.Dir(d.source.Path)
}

func (d *image) environment(argument string) pyapp.Outcome {
	words := shellwords.Fields(argument)
	if len(words) == 0 {
		return pyapp.NotNeeded("it is empty")
	}
	if !strings.Contains(words[0], "=") { // ENV NAME value
		words = []string{words[0] + "=" + strings.Join(words[1:], " ")}
	}
	var set []string
	for _, one := range words {
		name, value, _ := strings.Cut(one, "=")
		d.base.Env[name] = value
		if name == "PATH" || strings.HasPrefix(name, "PIP_") || strings.HasPrefix(name, "POETRY_") || strings.HasPrefix(name, "UV_") {
			continue
		}
		d.env = append(d.env, [2]string{name, value})
		set = append(set, name)
	}
	if set == nil {
		return pyapp.NotNeeded("it is for building the image")
	}
	return pyapp.Translated("env of %s", strings.Join(set, ", "))
}
