package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/gunicorn"
	"github.com/modgw/modgw/loader/migrate/httpd"
	"github.com/modgw/modgw/loader/migrate/launch"
	"github.com/modgw/modgw/loader/migrate/nginx"
	"github.com/modgw/modgw/loader/migrate/unit"
	"github.com/modgw/modgw/loader/migrate/uwsgi"
	"github.com/modgw/modgw/modgw"
)

// migrateOptions returns the formats that migrate can read.
func migrateOptions() migrate.Options {
	return migrate.Options{
		Readers: []migrate.Reader{
			httpd.Reader{}, nginx.Reader{}, uwsgi.Reader{}, unit.Reader{}, gunicorn.Reader{},
			launch.Systemd{}, launch.Supervisor{}, launch.Procfile{}, launch.Dockerfile{}, launch.Script{},
		},
		Programs: append(gunicorn.Others(), gunicorn.Command{}, uwsgi.Command{}, httpd.Express{}),
	}
}

// migration is a run of migrate.
type migration struct {
	console

	settings settings
	out      string // folder that the files are written to
	dryRun   bool   // nothing is written
	diff     bool   // prints the differences from the existing files
	asJSON   bool   // the report is printed as JSON
	force    bool   // files that are there and differ are replaced

	verification verification
}

func newMigrate(c console) *cobra.Command {
	m := migration{console: c}
	var verify bool // the answers of the old and the new server are compared
	cmd := &cobra.Command{
		Use:   "migrate [--out DIR] SOURCE…",
		Short: "Convert the configuration of another server into descriptors",
		Long: `Read the configuration of Apache with mod_wsgi or Passenger, mod_wsgi-express,
uWSGI, NGINX Unit, gunicorn, systemd, supervisor or a Procfile. Write a
descriptor for each app, the new configuration of the web server, and a report
on every directive and option of the sources: what it became, why it is not
needed, or what you must do by hand. A SOURCE is a file or a folder of files,
recognised by its content. Without --verify, migrate runs nothing and changes
only DIR.`,
		Example: "  modgw-host migrate --out new /etc/apache2/apache2.conf\n" +
			"  modgw-host migrate --dry-run --diff /etc/apache2/sites-enabled/shop.conf",
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, sources []string) error {
			if verify {
				return m.compare(cmd.Context(), sources)
			}
			return m.run(sources)
		},
	}
	cmd.Flags().StringVarP(&m.settings.file, "config", "c", "", "the host's own `FILE`, for the listeners that the web server uses (default "+hostFile+" if it exists)")
	cmd.Flags().StringVarP(&m.out, "out", "o", "migrated", "write apps-enabled/, the web server's folder, report.json and report.md into `DIR`")
	cmd.Flags().BoolVarP(&m.dryRun, "dry-run", "n", false, "write nothing; print report.md")
	cmd.Flags().BoolVar(&m.diff, "diff", false, "print how the new files differ from those that they replace")
	cmd.Flags().BoolVar(&m.asJSON, "json", false, "print the report as JSON")
	cmd.Flags().BoolVarP(&m.force, "force", "f", false, "replace existing files of DIR that differ")
	cmd.Flags().BoolVar(&verify, "verify", false, "run the new configuration in DIR next to the old server, and compare the answers to safe requests")
	m.verification.bind(cmd)
	return cmd
}

// run migrates the sources. The parts that can be read are written even if others cannot.
func (m *migration) run(sources []string) error {
	plan := migrate.Read(sources, migrateOptions())
	listeners, err := m.listeners()
	if err != nil {
		return err
	}
	files, err := m.render(plan, listeners)
	if err != nil {
		return err
	}
	if !m.dryRun {
		if err := files.write(m.out, m.force); err != nil {
			return err
		}
	}
	if err := m.print(plan, files); err != nil {
		return err
	}
	return m.problems(plan)
}

// problems prints the parts that could not be read.
func (m *migration) problems(plan *migrate.Plan) error {
	if len(plan.Problems) == 0 {
		return nil
	}
	for _, problem := range plan.Problems {
		fmt.Fprintf(m.stderr, "%s\n", problem)
	}
	return &modgw.Fault{
		Code:    "MGW-MIG-001",
		Summary: "cannot read all of the sources",
		Hint:    "the lines above name what is missing; the rest was migrated",
	}
}

// print writes the result to standard output, and the next steps to standard error.
func (m *migration) print(plan *migrate.Plan, files outputs) error {
	switch {
	case m.asJSON:
		if err := writeEntries(m.stdout, plan); err != nil {
			return err
		}
	case m.diff:
		if err := files.diff(m.stdout, m.out); err != nil {
			return err
		}
	case m.dryRun:
		if _, err := m.stdout.Write(plan.Markdown()); err != nil {
			return err
		}
	default:
		for _, f := range files {
			fmt.Fprintf(m.stdout, "wrote  %s\n", f.path(m.out))
		}
	}
	fmt.Fprintf(m.stderr, "%d translated, %d not needed, %d to do by hand\n",
		plan.Count(migrate.Translated), plan.Count(migrate.NotNeeded), plan.Count(migrate.ByHand))
	if !m.dryRun && len(plan.Apps) > 0 {
		vars := ""
		for _, v := range plan.Variables() {
			vars += fmt.Sprintf(" --var %s=…", v.Name)
		}
		fmt.Fprintf(m.stderr, "To check them:  modgw-host check%s %s\nThe report:     %s\n",
			vars, outputPath(m.out, "apps-enabled"), outputPath(m.out, "report.md"))
	}
	return nil
}

// writeEntries writes the report as JSON: a list, even when it is empty.
func writeEntries(w io.Writer, plan *migrate.Plan) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(slices.Concat([]migrate.Entry{}, plan.Entries))
}

// usesHostFile reports whether the listeners are those of the host's own file.
func (m *migration) usesHostFile() bool {
	if m.settings.file != "" {
		return true
	}
	_, err := os.Stat(hostFile)
	return err == nil
}
