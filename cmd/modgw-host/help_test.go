package main

import (
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is the largest number of characters in a line of a help text, which a terminal shows
// unwrapped. The lines of flags are longer.
const helpWidth = 80

// TestHelpTextsHaveOneForm checks the help of each command: a short text is a sentence without a
// period, a long one consists of sentences, and a flag with a value has a name for it.
func TestHelpTextsHaveOneForm(t *testing.T) {
	requireHelp(t, newRoot(console{stdout: io.Discard, stderr: io.Discard}))
}

// requireHelp reports mistakes in the help of a command and its subcommands.
func requireHelp(t *testing.T, cmd *cobra.Command) {
	t.Helper()
	wrong := func(what, text string) { t.Errorf("%s: %s: %q", cmd.CommandPath(), what, text) }
	first, _ := utf8.DecodeRuneInString(cmd.Short)
	if !unicode.IsUpper(first) || strings.HasSuffix(cmd.Short, ".") || utf8.RuneCountInString(cmd.Short) > helpWidth {
		wrong("is no short help", cmd.Short)
	}
	for line := range strings.Lines(cmd.Long) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > helpWidth {
			wrong("the line is too long", line)
		}
	}
	if paragraph, _, _ := strings.Cut(cmd.Long, "\n\n"); paragraph != "" && !strings.HasSuffix(paragraph, ".") {
		wrong("the long help does not begin with sentences", paragraph)
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		if value != strings.ToUpper(value) {
			wrong("--"+f.Name+" has no name for its value", value)
		}
		first, _ := utf8.DecodeRuneInString(usage)
		if usage == "" || strings.HasSuffix(usage, ".") || unicode.IsUpper(first) && !strings.HasPrefix(usage, value) {
			wrong("--"+f.Name+" has no short help", usage)
		}
	})
	for _, sub := range cmd.Commands() {
		if cmd.Name() != "completion" { // whose subcommands have cobra's help
			requireHelp(t, sub)
		}
	}
}
