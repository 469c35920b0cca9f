package main

import (
	"fmt"
	"strings"
)

// foldTraceback returns a Python traceback in which consecutive calls in libraries are folded into
// one line.
func foldTraceback(text string) string {
	var b strings.Builder
	calls := 0
	flush := func() {
		switch {
		case calls == 1:
			b.WriteString("  … 1 call in a library\n")
		case calls > 1:
			fmt.Fprintf(&b, "  … %d calls in libraries\n", calls)
		}
		calls = 0
	}
	inLibrary := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, `  File "`) {
			inLibrary = isLibraryFrame(line)
			if inLibrary {
				calls++
			}
		} else if !strings.HasPrefix(line, "    ") {
			inLibrary = false
		}
		if !inLibrary {
			flush()
			b.WriteString(line)
		}
	}
	flush()
	return b.String()
}

func isLibraryFrame(line string) bool {
	return strings.Contains(line, "/site-packages/") || strings.Contains(line, "/dist-packages/") ||
		strings.Contains(line, "/lib/python3") || strings.Contains(line, "/lib/pypy3") || strings.HasPrefix(line, `  File "<frozen `)
}
