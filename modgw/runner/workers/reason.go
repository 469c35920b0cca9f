package workers

import (
	"regexp"
	"strings"
)

// reasonLine is a line in which the usual languages say why a program ended: the last line of a
// Python traceback, the first of a Node.js one, a panic of Go, a fatal error of PHP.
var reasonLine = regexp.MustCompile(
	`^(?:Uncaught )?(?:[\w.]*(?:Error|Exception)(?: \[\w+\])?: \S.*|panic: .*|fatal error: .*|PHP (?:Fatal|Parse) error: .*)$`)

// missingModule is what Node.js says of a package that is not installed; one of the app's own files
// has a path.
var missingModule = regexp.MustCompile(`Cannot find (?:module|package) '[^./]`)

// reasonIn is the last line of a program's output that says why it ended; "" when none does.
func reasonIn(output string) string {
	reason := ""
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); reasonLine.MatchString(line) {
			reason = line
		}
	}
	return reason
}
