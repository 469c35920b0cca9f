package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/host"
)

func main() {
	if os.Getpid() == 1 {
		os.Exit(beFirstProcess())
	}
	f := &follower{first: takeFirstProcess()}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends everything in order; a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(f.follow(run(ctx, os.Args[1:], console{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, follower: f})))
}

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// console is where a command reads and writes: results to stdout, progress and diagnostics to
// stderr.
type console struct {
	stdin          *os.File
	stdout, stderr io.Writer
	follower       *follower // lets a host be upgraded; nil: none can be
	// the log is made of entries for systemd's journal, not of lines of text
	entries bool
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, c console) int {
	root := newRoot(c)
	if len(args) > 0 && args[0] == "-t" {
		args[0] = "check" // as apachectl and nginx have it
	}
	root.SetArgs(args)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	return c.report(root.ExecuteContext(ctx))
}

// report prints an error, unless it is nil or was printed already, and returns the exit code.
func (c console) report(err error) int {
	if err == nil {
		return exitDone
	}
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	c.fail(err)
	if usage, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprintf(c.stderr, "Run %q for help.\n", usage.command+" --help")
		return exitUsage
	}
	return exitFailed
}

// fail prints an error as people read it.
func (c console) fail(err error) {
	if broken, ok := errors.AsType[*host.LoadError](err); ok {
		_ = broken.Diagnostics.WriteText(c.stderr, c.colour())
		return
	}
	fmt.Fprintf(c.stderr, "modgw-host: %v\n", withCode(err))
}

// withCode returns an error with a code that troubleshooting.md explains. Most errors have a code;
// errors of commands get theirs here.
func withCode(err error) error {
	var fault *modgw.Fault
	var refusal *control.Refusal
	var usage *usageError
	switch {
	case errors.As(err, &fault), errors.As(err, &refusal) && refusal.Code != "":
		return err
	case errors.As(err, &usage):
		return &modgw.Fault{Code: "MGW-CMD-001", Summary: err.Error()}
	case errors.Is(err, control.ErrNoHost):
		return &modgw.Fault{
			Code:    "MGW-CMD-002",
			Summary: "cannot reach a host",
			Err:     err,
			Hint:    "start one with modgw-host serve, or say where it listens with --control",
		}
	}
	return &modgw.Fault{Code: "MGW-CMD-003", Summary: err.Error()}
}

// exitCode is an error that was printed already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a mistake on the command line.
type usageError struct {
	command string
	text    string
}

func (e *usageError) Error() string { return e.text }

func newRoot(c console) *cobra.Command {
	root := group("modgw-host", "Host web apps behind Apache, nginx, lighttpd or alone",
		newServe(c), newDev(c), newRun(c), newFcgi(c), newCgi(c), newResident(c),
		newCheck(c), newFmt(c), newExplain(c), newInit(c), newEnable(c), newDisable(c),
		newStatus(c), newAct(c, "reload"), newAct(c, "restart"), newAct(c, "rollback"), newStop(c), newUpgrade(c), newLogs(c), newMetrics(c), newTop(c), newDashboard(c), newReport(c), newPolicy(c),
		newEnv(c), newExec(c), newAttach(c), newApache(c), newDoctor(c), newNginx(c), newLighttpd(c),
		newMigrate(c), newExport(c), newScale(c), newVersion(c),
	)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{cmd.CommandPath(), "cannot read the command line: " + err.Error()}
	})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() { // cobra's own, in the words of the others
		case "help":
			cmd.Short, cmd.Long = "Show help for a command", ""
		case "completion":
			cmd.Short, cmd.Long = "Print a script that completes commands and app names in a shell", ""
			cmd.Args, cmd.RunE = commands, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range cmd.Commands() {
				shell.Short = "Print the script for " + shell.Name()
			}
		}
	}
	return root
}

// group makes a command that is nothing but its subcommands.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  commands,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(below...)
	return cmd
}

// commands are the arguments of a command that is nothing but its subcommands: any argument is one
// that there is not.
func commands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{cmd.CommandPath(), fmt.Sprintf("cannot run command %q: there is none of that name%s", args[0], suggestion(cmd, args[0]))}
}

// suggestion is the command that was meant: one that begins so, else the nearest with at most two
// letters that are wrong.
func suggestion(cmd *cobra.Command, typed string) string {
	for wrong := range 3 {
		cmd.SuggestionsMinimumDistance = wrong
		for _, known := range cmd.SuggestionsFor(typed) {
			return fmt.Sprintf("; did you mean %q?", known)
		}
	}
	return ""
}

// firstOf returns the first argument of a command, or absent if there is none.
func firstOf(args []string, absent string) string {
	if len(args) == 0 {
		return absent
	}
	return args[0]
}

// arguments is cobra's check of the number of arguments, with our exit code and the usage that was
// not followed.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		text := "cannot run it without arguments"
		if len(args) > 0 {
			text = fmt.Sprintf("cannot run it with the arguments %q", args)
		}
		return &usageError{cmd.CommandPath(), fmt.Sprintf("%s: the usage is %q", text, cmd.UseLine())}
	}
}
