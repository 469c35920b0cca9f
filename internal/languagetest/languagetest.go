// Package languagetest finds, in the text of source files and pages, language that does not belong
// there: see the rules. It judges no style beyond them.
package languagetest

import (
	"fmt"
	"path"
	"strings"
)

// A Rule is a kind of finding. Its value is its name in the ratchet file.
type Rule string

// The rules.
const (
	Words        Rule = "words"        // words.txt, in any text
	Names        Rule = "names"        // names.txt, in Go and Python
	Columns      Rule = "columns"      // comments, and lines of Python, beyond column 100
	Fragments    Rule = "fragments"    // incomplete sentences in comments of struct fields
	Undocumented Rule = "undocumented" // exported names of Go without a comment
	Vague        Rule = "vague"        // vague.txt, in comments of Go and Python
)

// Rules lists all rules in the order of the ratchet file.
var Rules = []Rule{Words, Names, Columns, Fragments, Undocumented, Vague}

// A Finding is a place in a file that breaks a rule.
type Finding struct {
	File string // relative to the module, with slashes
	Line int    // from 1
	Rule Rule   // the rule that it breaks
	Text string // the words found, and what to write instead
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Rule, f.Text)
}

// Check returns the findings in a file. The name determines whether the file is Go, Python,
// Markdown or a shell script; files of other kinds have no findings. The name is relative to the
// module and has slashes.
func Check(file, text string) ([]Finding, error) {
	c := &checker{file: file}
	switch path.Ext(file) {
	case ".go":
		c.words(text)
		c.names(text)
		return c.found, c.golang(text)
	case ".py":
		c.words(text)
		c.names(text)
		c.columns(text, func(int, string) bool { return true })
		c.vagueLines(text)
	case ".md":
		c.words(withoutCode(text))
	case "", ".sh":
		if strings.HasPrefix(text, "#!") {
			c.words(text)
			c.columns(text, isComment)
		}
	}
	return c.found, nil
}

// isComment reports whether a line of a script consists of a comment.
func isComment(_ int, line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }

type checker struct {
	file  string
	found []Finding
}

func (c *checker) add(line int, rule Rule, text string) {
	c.found = append(c.found, Finding{c.file, line, rule, text})
}
