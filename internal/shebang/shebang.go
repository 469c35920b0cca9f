package shebang

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
)

// longest is the number of bytes of the first line that the kernel reads (BINPRM_BUF_SIZE).
const longest = 256

// NoLine is the mistake of a script without the line. A shell runs such a script itself.
const NoLine = `it is a script without a "#!" line: its first line must name an interpreter, as #!/bin/sh`

// Mistake returns the reason why the file at path cannot be run, such as "its first line …". It
// reads the file with the rights of a user; nil is this process's own user. It returns "" if the
// file can be run, is a program and not a script, or cannot be read.
func Mistake(path string, user *account.Account) string {
	opener := safepath.Opener{User: user}
	f, err := opener.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, longest))
	if err != nil || bytes.IndexByte(head, 0) >= 0 { // a program of any format
		return ""
	}
	return mistakeIn(head, func(interpreter string) error {
		_, err := opener.Stat(interpreter)
		return err
	})
}

func mistakeIn(head []byte, stat func(string) error) string {
	line, _, _ := strings.Cut(string(head), "\n")
	name, hasMark := strings.CutPrefix(line, "#!")
	name, returned := strings.CutSuffix(name, "\r")
	interpreter := ""
	if words := strings.Fields(name); len(words) > 0 {
		interpreter = words[0]
	}
	switch {
	case len(head) == 0:
		return "it is empty"
	case strings.HasPrefix(line, "\xef\xbb\xbf"):
		return `it begins with a byte order mark, which hides its "#!" line: save it as UTF-8 without one`
	case !hasMark:
		return NoLine
	case returned:
		return "its first line ends with a carriage return, as on Windows: save it with Unix line ends"
	case interpreter == "":
		return "its first line names no interpreter: write one, as #!/bin/sh"
	case !filepath.IsAbs(interpreter):
		return fmt.Sprintf("its first line names the interpreter %q, which is no absolute path", interpreter)
	case errors.Is(stat(interpreter), fs.ErrNotExist):
		return fmt.Sprintf("its first line names the interpreter %q, which does not exist", interpreter)
	}
	return ""
}
