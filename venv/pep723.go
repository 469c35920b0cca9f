package venv

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// scriptBlock is the expression of PEP 723 for an embedded block.
var scriptBlock = lazyregexp.New(`(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(?:^#(?:| .*)$\s)+)^# ///$`)

// scriptMetadata is the part of the block that decides about the environment.
type scriptMetadata struct {
	RequiresPython string   `toml:"requires-python"`
	Dependencies   []string `toml:"dependencies"`
}

// readScript reads the PEP 723 block of the entry file, if there is one. A missing file is left to
// the worker, which has a better error.
func (in *inputs) readScript(d modgw.Descriptor, acct *account.Account) (bool, error) {
	path := entryFile(d)
	if path == "" {
		return false, nil
	}
	in.watch(path)
	data, err := safepath.Opener{User: acct}.ReadFile(path, maxInputSize)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, scriptFault(path, 0, err)
	}
	meta, line, err := parseScript(string(data))
	if err != nil {
		return true, scriptFault(path, line, err)
	}
	if line == 0 {
		return false, nil
	}
	return true, in.readBlock(path, line, meta, acct)
}

// readBlock reads the block in line, and the lock that uv made from it.
func (in *inputs) readBlock(path string, line int, meta scriptMetadata, acct *account.Account) error {
	in.source = "PEP 723 block of " + filepath.Base(path)
	for _, p := range meta.Dependencies {
		if err := checkPackage("", p); err != nil {
			return scriptFault(path, line, err)
		}
		in.packages = append(in.packages, p)
		in.decisive = append(in.decisive, "package "+strings.TrimSpace(p))
	}
	if meta.RequiresPython != "" {
		if err := in.demandRange(meta.RequiresPython, in.source); err != nil {
			return scriptFault(path, line, err)
		}
	}
	if err := in.readScriptLock(path, acct); err != nil {
		return scriptFault(path, 0, err)
	}
	return nil
}

// parseScript returns the content of the script block and its first line, or 0 if there is none.
// After an error, the line is that of the error.
func parseScript(source string) (meta scriptMetadata, line int, err error) {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	found := false
	for _, m := range scriptBlock.FindAllStringSubmatchIndex(source, -1) {
		if source[m[2]:m[3]] != "script" {
			continue
		}
		start := 1 + strings.Count(source[:m[0]], "\n")
		if found {
			return meta, start, errors.New(`the file has two blocks "# /// script"`)
		}
		found, line = true, start
		if err = decodeScript(source[m[4]:m[5]], &meta); err != nil {
			within, reason := tomlLine(err)
			return meta, start + within, reason
		}
	}
	return meta, line, nil
}

// decodeScript takes the comment signs off and reads the TOML below them.
func decodeScript(content string, meta *scriptMetadata) error {
	var b strings.Builder
	for line := range strings.Lines(content) {
		b.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "))
	}
	_, err := toml.Decode(b.String(), meta)
	return err
}

// typeError matches the TOML library's error for a value of a wrong type, which has the line only
// in its text.
var typeError = lazyregexp.New(`^toml: line (\d+) \(last key (".*")\): (.*)`)

// tomlLine takes the line out of an error of the TOML library; 0 when it has none.
func tomlLine(err error) (int, error) {
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return syntax.Position.Line, errors.New(syntax.Message)
	}
	m := typeError.FindStringSubmatch(err.Error())
	if m == nil {
		return 0, err
	}
	line, _ := strconv.Atoi(m[1])
	return line, fmt.Errorf("%s: %s", m[2], m[3])
}

func scriptFault(path string, line int, err error) error {
	place := path
	if line > 0 {
		place = fmt.Sprintf("%s:%d", path, line)
	}
	hint := `the block is TOML in comments between "# /// script" and "# ///", with requires-python and dependencies`
	if inner, ok := errors.AsType[*modgw.Fault](err); ok {
		err, hint = errors.New(inner.Summary), inner.Hint // one cause has one code
	}
	return &modgw.Fault{
		Code:    "MGW-ENV-007",
		Summary: fmt.Sprintf("cannot use the PEP 723 block at %s", place),
		Err:     err,
		Hint:    hint,
	}
}
