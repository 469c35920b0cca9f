package main

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/modgw"
)

func newExport(c console) *cobra.Command {
	cmd := group("export", "Write the files with which other engines run apps",
		newExportEngine(c, export.Systemd, "Write the units of a service for an app, or with --host for all apps",
			"  modgw-host export systemd blog --out /etc/systemd/system\n  modgw-host export systemd --host"),
		newExportEngine(c, export.Container, "Write a Containerfile that builds an app's environment and runs the app",
			"  modgw-host export container blog --out /srv/blog"),
		newExportEngine(c, export.Kubernetes, "Write the Deployment, Service and Ingress of an app",
			"  modgw-host export kubernetes blog --image registry.example.com/blog:7 | kubectl apply -f -"),
		newExportEngine(c, export.Nomad, "Write a job that runs an app",
			"  modgw-host export nomad blog --image registry.example.com/blog:7 --out jobs"),
		newExportEngine(c, export.Procfile, "Write a Procfile for platforms that run its web line",
			"  modgw-host export procfile blog --out /srv/blog"),
	)
	cmd.Long = `Write the files with which systemd, a container engine, Kubernetes, Nomad or a
platform runs apps, each by modgw-host run with the app's descriptor. Comments
list the parts of the descriptor that the engine cannot provide. No file
contains a value of env or a secret.`
	return cmd
}

// exporting is a run of export.
type exporting struct {
	console

	settings settings
	engine   export.Engine
	launch   export.Launch
	targets  []string
	listen   string // KIND=ADDRESS of the socket for systemd; "": the default
	out      string // folder that the files are written to; "": they are printed
	host     bool   // units for the host instead of an app
	force    bool   // files that are there and differ are replaced
	asJSON   bool   // the files are printed as JSON
}

func newExportEngine(c console, engine export.Engine, short, example string) *cobra.Command {
	e := exporting{console: c, engine: engine}
	cmd := &cobra.Command{
		Use:               string(engine) + " [APP]",
		Short:             short,
		Example:           example,
		Args:              arguments(cobra.MaximumNArgs(1)),
		ValidArgsFunction: e.settings.completeApps,
		RunE:              func(cmd *cobra.Command, names []string) error { return e.run(cmd, names) },
	}
	e.settings.bind(cmd)
	flags := cmd.Flags()
	bindTargetFlag(cmd, &e.targets)
	flags.StringVarP(&e.out, "out", "o", "", "write the files into `DIR` instead of printing them")
	flags.BoolVarP(&e.force, "force", "f", false, "with --out: replace existing files that differ")
	flags.BoolVar(&e.asJSON, "json", false, "print the files as JSON")
	switch engine {
	case export.Systemd:
		flags.BoolVar(&e.host, "host", false, "write the units of a host with all apps of its file")
		flags.StringVar(&e.listen, "listen", "", "listen at `KIND=ADDRESS` (default http=unix:/run/modgw/APP.sock)")
		flags.StringVar(&e.launch.Program, "program", "", "absolute `PATH` of modgw-host (default /usr/bin/modgw-host)")
	case export.Kubernetes, export.Nomad:
		flags.StringVar(&e.launch.Image, "image", "", "`NAME` of the image (default APP:latest)")
	}
	return cmd
}

// releases matches the versions that can be installed.
var releases = regexp.MustCompile(`^v?(\d+\.\d+\.\d+)$`)

func (e *exporting) run(cmd *cobra.Command, names []string) error {
	if err := e.prepare(cmd, names); err != nil {
		return err
	}
	if e.host {
		files, err := export.SystemdHost(e.launch)
		if err != nil {
			return err
		}
		return e.deliver(files)
	}
	found, err := e.settings.find(cmd.Context(), e.targets)
	if err != nil {
		return err
	}
	if err := found.choose(names); err != nil {
		e.mistakes(found)
		return err
	}
	files, err := e.filesOf(found.apps)
	if err != nil {
		return err
	}
	if err := e.deliver(files); err != nil {
		return err
	}
	if found.diagnostics != "" {
		e.mistakes(found)
		return exitCode(exitFailed)
	}
	return nil
}

// prepare converts the flags into export options.
func (e *exporting) prepare(cmd *cobra.Command, names []string) error {
	switch {
	case e.host && len(names) > 0:
		return &usageError{cmd.CommandPath(), "cannot use --host with the name of an app: it is for all apps"}
	case e.host && e.listen != "":
		return &usageError{cmd.CommandPath(), "cannot use --host and --listen together: the host file has the listeners"}
	case e.force && e.out == "":
		return &usageError{cmd.CommandPath(), "cannot use --force without --out DIR"}
	case e.launch.Program != "" && !filepath.IsAbs(e.launch.Program):
		return &usageError{cmd.CommandPath(), "cannot use --program: systemd needs an absolute path"}
	}
	if e.listen != "" {
		listener, err := parseListen(e.listen)
		if err == nil && kindOf(listener.Kind) == "" {
			err = fmt.Errorf("cannot use --listen: %q is no kind of listener", listener.Kind)
		}
		if err != nil {
			return &usageError{cmd.CommandPath(), err.Error()}
		}
		e.launch.Listen = listener
	}
	e.launch.Vars = e.settings.vars
	if release := releases.FindStringSubmatch(version()); release != nil {
		e.launch.Version = "v" + release[1]
	}
	if e.settings.file == "" {
		return nil
	}
	var err error
	e.launch.Config, err = filepath.Abs(e.settings.file)
	return err
}

// filesOf returns the files for apps. If files of several apps have the same names, each app gets a
// folder.
func (e *exporting) filesOf(apps []modgw.Descriptor) ([]export.File, error) {
	all := []export.File{}
	for _, d := range apps {
		files, err := export.App(e.engine, d, e.launch)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if len(apps) > 1 && (e.engine == export.Container || e.engine == export.Procfile) {
				f.Name = path.Join(string(d.Name), f.Name)
			}
			all = append(all, f)
		}
	}
	return all, nil
}

// deliver writes the files, or prints them.
func (e *exporting) deliver(files []export.File) error {
	if e.out != "" {
		var written outputs
		for _, f := range files {
			written = append(written, output{name: f.Name, text: []byte(f.Text)})
		}
		if err := written.write(e.out, e.force); err != nil {
			return err
		}
	}
	switch {
	case e.asJSON:
		return e.json(files)
	case e.out != "":
		for _, f := range files {
			fmt.Fprintf(e.stdout, "wrote  %s\n", outputPath(e.out, f.Name))
		}
	case len(files) == 1:
		fmt.Fprint(e.stdout, files[0].Text)
	default:
		for _, f := range files {
			fmt.Fprintf(e.stdout, "-- %s --\n%s", f.Name, f.Text)
		}
	}
	return nil
}
