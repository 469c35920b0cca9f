package workers

import (
	"regexp"
	"strings"
)

// reasonLine matches a line in which the usual languages report why a program ended: the last line
// of a Python traceback, the first of a Node.js one, a panic of Go, a fatal error of PHP.
var reasonLine = regexp.MustCompile(
	`^(?:Uncaught )?(?:[\w.]*(?:Error|Exception)(?: \[\w+\])?: \S.*|panic: .*|fatal error: .*|PHP (?:Fatal|Parse) error: .*)$`)

// missingModule matches the error of Node.js for a package that is not installed. One of the app's
// own files has a path.
var missingModule = regexp.MustCompile(`Cannot find (?:module|package) '[^./]`)

// reasonIn returns the last line of a program's output that contains the reason for its end, or ""
// if there is none.
func reasonIn(output string) string {
	reason := ""
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); reasonLine.MatchString(line) {
			reason = line
		}
	}
	return reason
}
