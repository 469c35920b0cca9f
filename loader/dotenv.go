package loader

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// setting is one line of an env_file.
type setting struct {
	name, value string
	line        int
}

// mistake is a line of an env_file that cannot be read.
type mistake struct {
	line int
	why  string
}

var comment = lazyregexp.New(`(?:^|\s)#`)

var assignment = lazyregexp.New(`^(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*(.*)$`)

// parseDotenv parses KEY=VALUE lines: "export" before a name, comments, 'literal text', and "text
// with \n and \" and several lines". Nothing is expanded: a $ is a $.
func parseDotenv(text string) (found []setting, mistakes []mistake) {
	lines := strings.Split(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		number := i + 1
		m := assignment.FindStringSubmatch(line)
		if m == nil {
			mistakes = append(mistakes, mistake{number, "A line must be NAME=VALUE, a comment, or empty."})
			continue
		}
		value := m[2]
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			for !closed(value) && i+1 < len(lines) {
				i++
				value += "\n" + lines[i]
			}
		}
		value, why := unquoteDotenv(value)
		if why == "" && strings.ContainsRune(value, 0) {
			why = "The value must not have a NUL character."
		}
		if why != "" {
			mistakes = append(mistakes, mistake{number, why})
			continue
		}
		found = append(found, setting{m[1], value, number})
	}
	return found, mistakes
}

// closed reports whether a value that begins with a quote has the other one.
func closed(value string) bool { return endQuote(value) > 0 }

// endQuote is where the quote ends that value begins with; -1 when it does not.
func endQuote(value string) int {
	for i := 1; i < len(value); i++ {
		switch {
		case value[i] == value[0]:
			return i
		case value[i] == '\\' && value[0] == '"':
			i++
		}
	}
	return -1
}

func unquoteDotenv(value string) (unquoted, why string) {
	if value == "" || (value[0] != '"' && value[0] != '\'') {
		if at := comment.FindStringIndex(value); at != nil {
			value = value[:at[0]]
		}
		return strings.TrimSpace(value), ""
	}
	end := endQuote(value)
	if end < 0 {
		return "", fmt.Sprintf("The quote %c is not closed.", value[0])
	}
	if rest := strings.TrimSpace(value[end+1:]); rest != "" && !strings.HasPrefix(rest, "#") {
		return "", "Only a comment may follow the closing quote."
	}
	if value[0] == '\'' {
		return value[1:end], ""
	}
	return strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\"`, `"`, `\\`, `\`, `\$`, `$`).Replace(value[1:end]), ""
}

// lineOf is the range of a line in a file whose source is not shown.
func lineOf(path string, line int) hcl.Range {
	return hcl.Range{Filename: path, Start: hcl.Pos{Line: line, Column: 1}, End: hcl.Pos{Line: line, Column: 1}}
}
