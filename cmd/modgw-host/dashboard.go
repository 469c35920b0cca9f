package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw/control"
)

func newDashboard(c console) *cobra.Command {
	var s settings
	var asJSON, open bool
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Print a link that shows the running host in a browser",
		Long: `Print a link that shows the running host in a browser: all apps, their figures
of the last hour, workers, slow and failed requests, and buttons to reload,
restart, roll back, scale, stop and start apps. The link works once, for five
minutes, and gives the browser your rights.`,
		Example: "  modgw-host dashboard\n  modgw-host dashboard --open",
		Args:    arguments(cobra.NoArgs),
		RunE: s.ask(func(cmd *cobra.Command, client *control.Client, _ []string) error {
			link, err := client.OpenDashboard(cmd.Context())
			switch {
			case err != nil:
				return err
			case asJSON:
				return c.json(link)
			case link.URL == "":
				_, err = fmt.Fprintf(c.stdout, "The dashboard listens at %s and recognises each user there.\n"+
					"From another machine: ssh -L 9181:%s HOST, then http://127.0.0.1:9181/\n", link.Address, link.Address.Target())
				return err
			case open:
				return openBrowser(cmd.Context(), link)
			}
			_, err = fmt.Fprintln(c.stdout, link.URL)
			return err
		}),
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&open, "open", false, "open the link in a browser and print nothing")
	return cmd
}

// browsers are the programs that open a file in the browser of the user.
var browsers = []string{"xdg-open", "x-www-browser", "sensible-browser"}

// openBrowser opens a link by a file that only this user can read: every user can see the arguments
// of a process, and who is faster would have the link.
func openBrowser(ctx context.Context, link control.DashboardLink) error {
	for _, name := range browsers {
		program, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		dir, err := os.MkdirTemp(os.Getenv("XDG_RUNTIME_DIR"), "modgw-dashboard-")
		if err != nil {
			return fmt.Errorf("cannot make a file with the link: %w", err)
		}
		file := filepath.Join(dir, "open.html")
		text := fmt.Sprintf("<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=\"0; url=%s\">"+
			"<meta name=referrer content=no-referrer><title>modgw</title>", html.EscapeString(link.URL))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return errors.Join(fmt.Errorf("cannot write the link: %w", err), os.RemoveAll(dir))
		}
		if err := exec.CommandContext(ctx, program, file).Run(); err != nil {
			return errors.Join(fmt.Errorf("cannot open a browser: %s: %w", name, err), os.RemoveAll(dir))
		}
		return nil // the browser may read the file later; the link in it works once
	}
	return fmt.Errorf("cannot open a browser: none of %v is there; open the link that modgw-host dashboard prints", browsers)
}
