package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// TestEveryCommandHasAManualPage writes the manual pages into $MODGW_MAN_DIR, for scripts/package,
// or into a folder of the test.
func TestEveryCommandHasAManualPage(t *testing.T) {
	dir := os.Getenv("MODGW_MAN_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	root := newRoot(console{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr})
	root.DisableAutoGenTag = true
	root.InitDefaultHelpCmd()
	header := &doc.GenManHeader{Section: "1", Source: "modgw", Manual: "modgw"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		t.Fatal(err)
	}
	requireManualPages(t, dir, root)
}

// requireManualPages fails the test unless a command and its subcommands have pages with their
// short descriptions.
func requireManualPages(t *testing.T, dir string, cmd *cobra.Command) {
	t.Helper()
	if !cmd.IsAvailableCommand() || cmd.IsAdditionalHelpTopicCommand() {
		return
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
	page, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Error(err)
	} else if !strings.Contains(string(page), cmd.Short) {
		t.Errorf("%s does not say %q", name, cmd.Short)
	}
	for _, sub := range cmd.Commands() {
		requireManualPages(t, dir, sub)
	}
}
