package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/modgw/modgw/bench/testbed"
)

// table holds the verdicts of all incidents.
type table []*verdict

// counts returns how many incidents were staged, and how many of them were diagnosed correctly.
func (t table) counts() (staged, right int) {
	for _, v := range t {
		if v.missing == "" {
			staged++
		}
		if v.missing == "" && v.failed == nil && v.right() {
			right++
		}
	}
	return staged, right
}

// judge returns an error when too few sentences are right.
func (t table) judge(least int) error {
	staged, right := t.counts()
	if least == 0 {
		least = staged
	}
	if right < least {
		return fmt.Errorf("of %d incidents only %d are named right, not %d", staged, right, least)
	}
	return nil
}

// write writes the table in Markdown.
func (t table) write(w io.Writer) error {
	staged, right := t.counts()
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d incidents are named right.\n\n", right, staged)
	b.WriteString("| incident | cause | sentence | right |\n|---|---|---|---|\n")
	for _, v := range t {
		if v.missing != "" {
			continue
		}
		mark := "no"
		if v.failed == nil && v.right() {
			mark = "yes"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", v.incident.name, v.cause, cell(v.sentence), mark)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// temporary matches the folders in which incidents are staged.
var temporary = regexp.MustCompile(`/\S*/incidents\d+/\d+/`)

// cell formats text for a table, with the folder of an installed app.
func cell(text string) string {
	text = temporary.ReplaceAllString(text, "/srv/")
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "\n", " ").Replace(text)
}

// The table is between these lines of a page.
const (
	tableBegin = "<!-- incidents: go run ./bench/incidents -out docs/status.md -->\n"
	tableEnd   = "<!-- end of incidents -->"
)

// replaceIn replaces the table of a page.
func (t table) replaceIn(page string) error {
	var b strings.Builder
	if err := t.write(&b); err != nil {
		return err
	}
	return testbed.ReplaceTable(page, tableBegin, tableEnd, b.String())
}
