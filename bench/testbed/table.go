package testbed

import (
	"errors"
	"os"
	"strings"
)

// ReplaceTable replaces the text of a page between two comments, which stay.
func ReplaceTable(page, begin, end, text string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(old), begin)
	_, after, ends := strings.Cut(rest, end)
	if !found || !ends {
		return errors.New(page + " has no table to replace")
	}
	return os.WriteFile(page, []byte(before+begin+"\n"+text+"\n"+end+after), 0o644)
}
