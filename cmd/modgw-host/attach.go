package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python"
)

const attachHelp = `Print the command that serves an app from a terminal. If the descriptor contains
attach = true, the host starts no worker for the app, and its requests wait
until a worker attaches. The command runs a worker with the first Python in
PATH, which must have the app's packages.

VS Code: --vscode prints a configuration for .vscode/launch.json. Choose it
under Run and Debug.

PyCharm: create a Python configuration of the module modgw_worker (not a
script), with the text after "-m modgw_worker" as parameters, the app's root as
working directory, and PYTHONPATH as environment variable.

pytest: set PYTHONPATH as printed, and write
  from modgw_worker.attach import serving
  with serving(app, "unix:…"):
      …  # app answers requests to the host, in this process`

func newAttach(c console) *cobra.Command {
	var s settings
	var vscode bool
	var targets []string
	cmd := &cobra.Command{
		Use:               "attach APP [ENTRY]",
		Short:             "Print how to serve an app from a debugger, an IDE or a test",
		Long:              attachHelp,
		Example:           "  modgw-host attach blog\n  eval \"$(modgw-host attach blog)\"",
		Args:              arguments(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: s.completeApps,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := s.descriptor(cmd.Context(), args[0], targets)
			if err != nil {
				return err
			}
			if !d.Attach {
				return &modgw.Fault{
					Code:    "MGW-APP-205",
					Summary: fmt.Sprintf("cannot attach to app %q: the host starts its workers", d.Name),
					Hint:    "write attach = true into its app block",
				}
			}
			state, err := s.stateDir(cmd.Context())
			if err != nil {
				return err
			}
			if state, err = filepath.Abs(state); err != nil {
				return err
			}
			files, err := python.Unpack(state)
			if err != nil {
				return err
			}
			run := attachCommand{descriptor: d.Redacted(), code: files.Dir, entry: d.Entry(),
				address: string(python.AttachAddress(state, d.Name))}
			if len(args) > 1 {
				run.entry = args[1]
			}
			if vscode {
				return c.json(run.launchJSON(d))
			}
			_, err = fmt.Fprintln(c.stdout, run.shell())
			return err
		},
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&vscode, "vscode", false, "print a configuration for VS Code's launch.json")
	bindTargetFlag(cmd, &targets)
	return cmd
}

// attachCommand describes how to run a worker that attaches.
type attachCommand struct {
	descriptor modgw.Descriptor // without secrets
	code       string           // the folder of the worker's Python code
	address    string
	entry      string
}

// shell is the command line for a terminal.
func (a attachCommand) shell() string {
	return fmt.Sprintf("cd %s && PYTHONPATH=%s python -m modgw_worker --attach %s %s",
		quoted(a.descriptor.Root), quoted(a.code), quoted(a.address), quoted(a.entry))
}

// launch returns the content of .vscode/launch.json. It has only those variables of the descriptor
// that are not secret; full is the descriptor with its secrets, for comparison.
func (a attachCommand) launchJSON(full modgw.Descriptor) any {
	variables := map[string]string{"PYTHONPATH": a.code}
	for name, value := range a.descriptor.Env {
		if value == full.Env[name] {
			variables[name] = value
		}
	}
	configuration := map[string]any{
		"name":       "modgw: " + string(a.descriptor.Name),
		"type":       "debugpy",
		"request":    "launch",
		"module":     "modgw_worker",
		"args":       []string{"--attach", a.address, a.entry},
		"cwd":        a.descriptor.Root,
		"env":        variables,
		"console":    "integratedTerminal",
		"justMyCode": true,
	}
	return map[string]any{"version": "0.2.0", "configurations": []any{configuration}}
}

// quoted is a word as a shell reads it.
func quoted(word string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@%+,", r)
	}
	if word != "" && !slices.ContainsFunc([]rune(word), func(r rune) bool { return !safe(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
