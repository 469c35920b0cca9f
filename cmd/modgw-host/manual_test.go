package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	consolePattern = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	inlinePattern  = regexp.MustCompile("`(modgw-host [^`\n]+(?:\n[^`\n]+)?)`")
	promptPattern  = regexp.MustCompile(`(?m)^[$#] (.*)$`)
	wordPattern    = regexp.MustCompile(`"[^"]*"|'[^']*'|[^\s"'|&;<>]+|[|&;<>]`)
)

// TestCommandsOfTheManualExist checks each command of this program that the manual prints against
// the tree of commands: the command, its flags with their values, and the number of its arguments.
func TestCommandsOfTheManualExist(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	checked := 0
	for _, page := range append(pages, "../../README.md", "../../troubleshooting.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range printedCommands(string(text)) {
			checked++
			if err := command.check(); err != nil {
				t.Errorf("%s: modgw-host %s: %v", filepath.Base(page), strings.Join(command.args, " "), err)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d commands were found", checked)
	}
}

func TestCommandsThatDoNotExistAreFoundInTheManual(t *testing.T) {
	for _, wrong := range []string{
		"`modgw-host statsu blog`",
		"`modgw-host env bulid`",
		"`modgw-host serve --lisen http=127.0.0.1:8000`",
		"`modgw-host reload blog shop`",
		"`modgw-host logs -n many`",
		"```console\n# modgw-host rollback\n```\n",
		"```console\n$ sudo modgw-host apache confgi | tee site.conf\n```\n",
	} {
		commands := printedCommands(wrong)
		if len(commands) != 1 {
			t.Errorf("%s: found %v", wrong, commands)
			continue
		}
		if commands[0].check() == nil {
			t.Errorf("%s passes", wrong)
		}
	}
}

// printed is a command of this program as the manual prints it.
type printed struct {
	args   []string
	inText bool // in running text, where a name may refer to a command with arguments
}

// printedCommands returns the commands of this program in a page: in console blocks behind a
// prompt, and in running text.
func printedCommands(page string) []printed {
	var commands []printed
	for _, block := range consolePattern.FindAllStringSubmatch(page, -1) {
		for _, line := range promptPattern.FindAllStringSubmatch(block[1], -1) {
			for _, args := range commandsOf(line[1]) {
				commands = append(commands, printed{args: args})
			}
		}
	}
	for _, code := range inlinePattern.FindAllStringSubmatch(page, -1) {
		for _, args := range commandsOf(strings.ReplaceAll(code[1], "\n", " ")) {
			commands = append(commands, printed{args: args, inText: true})
		}
	}
	return commands
}

// commandsOf returns the arguments of each command of this program in a line for a shell.
func commandsOf(line string) [][]string {
	var commands [][]string
	running := false
	for _, word := range wordPattern.FindAllString(line, -1) {
		switch {
		case strings.HasPrefix(word, "#"):
			return commands
		case strings.ContainsAny(word, "|&;<>"):
			running = false
		case !running && word == "modgw-host":
			commands, running = append(commands, []string{}), true
		case running:
			last := &commands[len(commands)-1]
			*last = append(*last, strings.Trim(word, `"'`))
		}
	}
	return commands
}

// check parses the command line as the program would, without running it. An argument in brackets
// is optional.
func (p printed) check() error {
	args := strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(strings.Join(p.args, " ")))
	if len(args) > 0 && args[0] == "COMMAND" {
		args[0] = "status" // any command
	}
	cmd, rest, err := newRoot(console{stdout: io.Discard, stderr: io.Discard}).Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if p.inText && cmd.Flags().NArg() == 0 {
		return nil
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}
