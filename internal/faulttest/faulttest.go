// Package faulttest compares the program's messages with those that troubleshooting.md quotes.
//
// It is only for tests.
package faulttest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	manual "github.com/modgw/modgw"
)

// Want fails the test unless text contains the code together with a message quoted in the code's
// entry. text is an error, the output of a command, a log, or a page.
func Want(t testing.TB, text, code string) {
	t.Helper()
	if err := Check(text, code); err != nil {
		t.Errorf("%v:\n%s", err, text)
	}
}

// Has reports whether text contains the code together with a quoted message. It is for tests that
// wait for the message.
func Has(text, code string) bool { return Check(text, code) == nil }

// Check returns nil if text contains the code together with a message quoted in the code's entry,
// and otherwise an error that describes what is missing.
func Check(text, code string) error {
	quotes := quotesOf(code)
	if len(quotes) == 0 {
		return fmt.Errorf("troubleshooting.md has no entry for %s", code)
	}
	passages := about(text, code)
	if len(passages) == 0 {
		return fmt.Errorf("nothing has the code %s", code)
	}
	for _, passage := range passages {
		for _, quote := range quotes {
			if says(passage, quote) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s comes with none of the messages that troubleshooting.md quotes: %q", code, quotes)
}

var (
	codePattern = regexp.MustCompile(`MGW-[A-Z]{3}-[0-9]{3}`)
	unquoted    = strings.NewReplacer(`\`, "", `"`, "", "&#34;", "", "&quot;", "")
)

// quotesOf returns the messages in the entry of a code.
func quotesOf(code string) (quotes []string) {
	_, rest, _ := strings.Cut(manual.Troubleshooting, "### "+code+"\n")
	entry, _, _ := strings.Cut(rest, "\n#")
	for line := range strings.Lines(entry) {
		quote, begins := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> `")
		if quote, ends := strings.CutSuffix(quote, "`"); begins && ends {
			quotes = append(quotes, quote)
		}
	}
	return quotes
}

// about returns the passages of a text that are about a code: each contains a line with the code,
// and the lines around it up to those that only have other codes.
func about(text, code string) (passages []string) {
	var passage strings.Builder
	found := false
	end := func() {
		if found {
			passages = append(passages, passage.String())
		}
		passage.Reset()
		found = false
	}
	for line := range strings.Lines(text) {
		said := codePattern.FindAllString(line, -1)
		ours := slices.Contains(said, code)
		if len(said) > 0 && !ours {
			end()
			continue
		}
		found = found || ours
		passage.WriteString(strings.TrimSpace(line) + " ")
	}
	end()
	return passages
}

// says reports whether a passage contains a quoted message, in which an ellipsis matches any text.
// Quotation marks are ignored, because logs and pages escape them.
func says(passage, quote string) bool {
	rest := unquoted.Replace(passage)
	for piece := range strings.SplitSeq(unquoted.Replace(quote), "…") {
		_, after, found := strings.Cut(rest, strings.TrimSpace(piece))
		if !found {
			return false
		}
		rest = after
	}
	return true
}
