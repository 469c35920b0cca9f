// Package faulttest compares what the program says with the messages that troubleshooting.md
// quotes.
//
// It is for tests alone.
package faulttest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	manual "github.com/modgw/modgw"
)

// Want fails the test unless text says the code together with a message that the code's entry
// quotes. text is an error, what a command printed, a log, or a page.
func Want(t testing.TB, text, code string) {
	t.Helper()
	if err := Check(text, code); err != nil {
		t.Errorf("%v:\n%s", err, text)
	}
}

// Has reports whether text says the code together with a quoted message, for tests that wait for
// it.
func Has(text, code string) bool { return Check(text, code) == nil }

// Check says what text lacks; nil when it says the code together with a message that the code's
// entry quotes.
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
	codePattern  = regexp.MustCompile(`MGW-[A-Z]{3}-[0-9]{3}`)
	quotePattern = regexp.MustCompile("(?m)^> `(.*)`$")
	unquoted     = strings.NewReplacer(`\`, "", `"`, "", "&#34;", "", "&quot;", "")
)

// quotesOf are the messages in the entry of a code.
func quotesOf(code string) (quotes []string) {
	_, rest, _ := strings.Cut(manual.Troubleshooting, "### "+code+"\n")
	entry, _, _ := strings.Cut(rest, "\n#")
	for _, match := range quotePattern.FindAllStringSubmatch(entry, -1) {
		quotes = append(quotes, match[1])
	}
	return quotes
}

// about returns the passages of a text that are about a code: each has a line with the code, and
// the lines around it up to those with other codes alone.
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

// says reports whether a passage has a quoted message, in which an ellipsis stands for anything.
// Quotation marks do not count, because logs and pages escape them.
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
