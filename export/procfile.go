package export

import (
	"path/filepath"
	"strings"
	"unicode"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// procfile returns a Procfile for platforms that start the command of its line "web" in the app's
// folder, with PORT in the environment.
func procfile(d modgw.Descriptor, l Launch) ([]File, error) {
	w := &writer{server: "procfile"}
	file, inside := files.Inside(d.Root, d.File)
	if !inside {
		file = d.File
	}
	w.comment("App %q. Written by: modgw-host export procfile %s", d.Name, d.Name)
	w.comment("It belongs into %q, beside modgw-host in a folder bin.", d.Root)
	var n notes
	n.unwatched("a deploy of the platform starts the new version")
	n.local()
	n.add("The environment is built at the start: a platform that bounds it wants a container instead.")
	n.add("Lifetime: the platform has to wait %d seconds after SIGTERM, for requests to finish.", seconds(endTime(d)))
	n.add("limits: the platform's size of an instance counts; those of processes stay in force.")
	n.add("hosts and mount: the platform routes by host; requests for others are answered 404.")
	for _, name := range privateFiles(d) {
		n.add("%q has secrets: set variables of the platform, and write env(\"NAME\") in the descriptor.", name)
	}
	for _, name := range d.HostVariables {
		n.add("env(%q): set it on the platform.", name)
	}
	if !inside {
		n.add("The descriptor is outside of the app's folder: move it there.")
	}
	n.images(d)
	w.comments(n)
	run := d
	run.File = filepath.ToSlash(file)
	args := runArguments(run, l, ".modgw", "")
	for i, arg := range args {
		if strings.ContainsFunc(arg, unicode.IsControl) || strings.Contains(arg, "'") {
			w.fail("argument", arg)
		}
		if !plainWord.MatchString(arg) {
			args[i] = "'" + arg + "'"
		}
	}
	w.line("web: exec bin/modgw-host %s --listen http=0.0.0.0:$PORT", strings.Join(args, " "))
	text, err := w.bytes()
	return []File{{"Procfile", string(text)}}, err
}
