package venv

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// Bounds for requirement files, which an untrusted user may have written.
const (
	maxRequirementFiles = 100
	maxInputSize        = 4 << 20
)

// readFound reads the requirements.txt that was found and not named, if there is one.
func (in *inputs) readFound(d modgw.Descriptor, acct *account.Account) (bool, error) {
	path := filepath.Join(d.Root, "requirements.txt")
	in.watch(path)
	before := len(in.watched)
	err := in.readRequirements([]string{path}, d, acct)
	if errors.Is(err, fs.ErrNotExist) && len(in.watched) == before {
		in.files = nil
		return false, nil
	}
	in.source = files.Relative(d.Root, path)
	return true, err
}

// readRequirements reads the files and all that they include.
func (in *inputs) readRequirements(files []string, d modgw.Descriptor, acct *account.Account) error {
	r := requirementReader{in: in, app: d.Name, root: d.Root, account: acct}
	for _, file := range files {
		in.files = append(in.files, file)
		if err := r.read(file, ""); err != nil {
			return err
		}
	}
	if r.local {
		in.decisive = append(in.decisive, "root "+d.Root)
	}
	return nil
}

// requirementReader follows -r and -c through requirement files.
type requirementReader struct {
	in      *inputs
	app     modgw.AppName
	root    string // root of the app; paths in requirements are relative to it
	account *account.Account
	seen    []string
	local   bool // a line names a path, which means something else below another root
}

// read reads one file; from is the place of its inclusion, or "".
func (r *requirementReader) read(path, from string) error {
	if slices.Contains(r.seen, path) {
		return nil
	}
	r.seen = append(r.seen, path)
	r.in.watch(path)
	if len(r.seen) > maxRequirementFiles {
		return r.fault(path, from, fmt.Errorf("more than %d files are included", maxRequirementFiles))
	}
	data, err := safepath.Opener{User: r.account}.ReadFile(path, maxInputSize)
	if err != nil {
		return r.fault(path, from, err)
	}
	for _, line := range logicalLines(string(data)) {
		if err := r.line(path, line); err != nil {
			return err
		}
	}
	return nil
}

func (r *requirementReader) line(path string, line requirementLine) error {
	r.in.refer(line.text)
	included, constraint := includedFile(line.text)
	if included == "" || strings.Contains(included, "://") {
		r.in.decisive = append(r.in.decisive, "line "+line.text)
		r.in.hashed = r.in.hashed || strings.Contains(line.text, "--hash=") || line.text == "--require-hashes"
		r.local = r.local || namesPath.MatchString(line.text)
		if err := r.in.readLocalRequirement(line.text, r.root, r.account); err != nil {
			return unreadableLocal(r.app, line.text, err)
		}
		return nil
	}
	if constraint {
		r.in.decisive = append(r.in.decisive, "constraints")
	}
	if !filepath.IsAbs(included) {
		included = filepath.Join(filepath.Dir(path), included)
	}
	if err := r.read(included, fmt.Sprintf("%s:%d", path, line.number)); err != nil {
		return err
	}
	r.in.decisive = append(r.in.decisive, "end")
	return nil
}

func unreadableLocal(app modgw.AppName, line string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-ENV-005",
		Summary: fmt.Sprintf("cannot read the requirements of app %q: the local project in %q", app, line),
		Err:     err,
		Hint:    "the app's user must be able to read its folder",
	}
}

func (r *requirementReader) fault(path, from string, err error) error {
	f := &modgw.Fault{
		Code:    "MGW-ENV-005",
		Summary: fmt.Sprintf("cannot read the requirements of app %q", r.app),
		Err:     err,
		Hint:    "the file must exist and the app's user must be able to read it",
	}
	if from != "" {
		f.Hint = fmt.Sprintf("%q is included at %s; it must exist and the app's user must be able to read it", path, from)
	}
	return f
}

// requirementLine is one line as pip sees it: continuations joined, comments gone.
type requirementLine struct {
	number int
	text   string
}

var (
	comment     = lazyregexp.New(`(^|\s+)#.*$`)
	includeLine = lazyregexp.New(`^(-r|-c|--requirement|--constraint)(?:\s*=\s*|\s*)(\S.*)$`)
	namesPath   = lazyregexp.New(`(^|[\s=@])(\.|/|file:|-e\b|--editable\b)`)
)

// logicalLines splits the content of a requirements file by pip's rules, without empty lines and
// comments.
func logicalLines(content string) []requirementLine {
	var lines []requirementLine
	content = strings.TrimPrefix(strings.ReplaceAll(content, "\r\n", "\n"), "\ufeff")
	start, joined := 0, ""
	for i, raw := range strings.Split(content, "\n") {
		if joined == "" {
			start = i + 1
		}
		if rest, more := strings.CutSuffix(raw, `\`); more && !strings.HasPrefix(strings.TrimSpace(raw), "#") {
			joined += rest + " "
			continue
		}
		text := strings.Join(strings.Fields(comment.ReplaceAllString(joined+raw, "")), " ")
		if joined = ""; text != "" {
			lines = append(lines, requirementLine{number: start, text: text})
		}
	}
	return lines
}

// includedFile is the file or URL that a line includes, "" when it includes none.
func includedFile(line string) (file string, constraint bool) {
	m := includeLine.FindStringSubmatch(line)
	if m == nil {
		return "", false
	}
	return strings.Trim(m[2], `"'`), strings.HasPrefix(strings.TrimLeft(m[1], "-"), "c")
}
