package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	manual "github.com/modgw/modgw"
	"github.com/modgw/modgw/loader"
)

func newExplain(c console) *cobra.Command {
	return &cobra.Command{
		Use:     "explain KEY",
		Short:   "Explain a setting (app.wsgi.threads) or an error code (MGW-ENV-003)",
		Args:    arguments(cobra.ExactArgs(1)),
		Example: "  modgw-host explain app.wsgi.threads\n  modgw-host explain MGW-ENV-003",
		RunE: func(_ *cobra.Command, args []string) error {
			text, ok := loader.Explain(args[0])
			if strings.HasPrefix(strings.ToUpper(args[0]), "MGW-") {
				text, ok = explainCode(strings.ToUpper(args[0]))
			}
			if !ok {
				fmt.Fprintf(c.stderr, "modgw-host: %s\n", strings.TrimSpace(text))
				return exitCode(exitFailed)
			}
			_, err := fmt.Fprintln(c.stdout, strings.TrimSpace(text))
			return err
		},
	}
}

// explainCode is the entry of troubleshooting.md for an error code.
func explainCode(code string) (string, bool) {
	_, rest, found := strings.Cut(manual.Troubleshooting, "### "+code+"\n")
	if !found {
		return fmt.Sprintf("cannot explain %q: there is no such error code\nhint: all of them are in troubleshooting.md", code), false
	}
	entry, _, _ := strings.Cut(rest, "\n##")
	return code + "\n" + entry, true
}
