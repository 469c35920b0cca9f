package loader

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// closest is the word that given was probably meant to be; "" when none is near.
func closest(given string, words []string) string {
	best, least := "", 1+len(given)/3
	if len(given) > 6 {
		least = 3
	}
	for _, w := range words {
		d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(w), nil)
		if d <= least && (best == "" || d < levenshtein.Distance(strings.ToLower(given), strings.ToLower(best), nil)) {
			best = w
		}
	}
	return best
}

func didYouMean(given string, words []string) string {
	if len(given) > 64 {
		return ""
	}
	if w := closest(given, words); w != "" {
		return fmt.Sprintf("Did you mean %q?", w)
	}
	return ""
}
