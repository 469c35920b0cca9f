package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

// table holds the outcomes of all attacks.
type table []*verdict

// counts returns how many attacks were denied, were named, left the neighbour unhurt, and all
// three.
func (t table) counts() (denied, named, unhurt, good int) {
	for _, v := range t {
		count(&denied, v.Failed == "" && v.Denied)
		count(&named, v.Failed == "" && v.Named)
		count(&unhurt, v.Failed == "" && v.Unhurt)
		count(&good, v.good())
	}
	return denied, named, unhurt, good
}

func count(n *int, is bool) {
	if is {
		*n++
	}
}

// judge returns an error when too few attacks end well.
func (t table) judge(least int) error {
	if least == 0 {
		least = len(t)
	}
	if _, _, _, good := t.counts(); good < least {
		return fmt.Errorf("of %d attacks only %d are denied and named and hurt no neighbour, not %d", len(t), good, least)
	}
	return nil
}

func (t table) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(t)
}

// write writes the table in Markdown.
func (t table) write(w io.Writer) error {
	denied, named, unhurt, _ := t.counts()
	var b strings.Builder
	fmt.Fprintf(&b, "Of %d attacks %d are denied, %d are named in the log, and %d leave the neighbour unhurt.\n\n",
		len(t), denied, named, unhurt)
	b.WriteString("| attack | from | what stops it | what the log says | neighbour's p99 |\n|---|---|---|---|---|\n")
	for _, v := range t {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", v.Name, v.From, v.stopped(), v.said(), v.pace())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (v *verdict) stopped() string {
	switch {
	case v.Failed != "":
		return "**not tried**"
	case !v.Denied:
		return "**nothing**"
	}
	return v.By
}

func (v *verdict) said() string {
	if !v.Named || v.Line == "" {
		return "**nothing**"
	}
	// A line of the app's output is the app's own statement: a quiet app is not named.
	if found := output.FindStringSubmatch(v.Line); found != nil {
		return "the app: " + cell(found[1])
	}
	return cell(v.Line)
}

func (v *verdict) pace() string {
	switch {
	case v.Harm != "":
		return "**" + cell(v.Harm) + "**"
	case v.Before == 0:
		return ""
	}
	return fmt.Sprintf("%s, %.1f ×", v.During.Round(100*time.Microsecond), v.ratio())
}

// Parts of lines that differ from run to run.
var (
	temporary = regexp.MustCompile(`/\S*/attacks\d+/`)
	added     = regexp.MustCompile(`/apps/x\d+/`)
	stamp     = regexp.MustCompile(`^\S+T\S+ +|^time=\S+ +`)
)

// output matches a line that an app has printed.
var output = regexp.MustCompile(`^(?:\S+T\S+ +\S+ +)?\| (.*)`)

// longestCell limits the length of a line in the table, in bytes.
const longestCell = 200

// cell formats text for a table, with the folders of installed apps.
func cell(text string) string {
	text = temporary.ReplaceAllString(stamp.ReplaceAllString(text, ""), "/srv/")
	text = added.ReplaceAllString(text, "/apps/x/")
	if len(text) > longestCell {
		text = text[:longestCell] + " …"
	}
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "\n", " ", "*", "\\*", "_", "\\_").Replace(strings.ToValidUTF8(text, ""))
}

// The table is between these lines of a page.
const (
	tableBegin = "<!-- attacks: go run ./bench/attacks -out docs/tenants.md -->\n"
	tableEnd   = "<!-- end of attacks -->"
)

// replaceIn replaces the table of a page.
func (t table) replaceIn(page string) error {
	var b strings.Builder
	if err := t.write(&b); err != nil {
		return err
	}
	return testbed.ReplaceTable(page, tableBegin, tableEnd, b.String())
}
