package loader

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
)

// source is the text of a descriptor or host file.
type source struct {
	text []byte
	path string           // real path, with a link as its last name followed
	as   *account.Account // owner, whose rights its apps get; nil: the host's own user
}

// read reads a descriptor or host file; nil after a mistake.
func (r *report) read(path string, opts Options) *source {
	f, err := safepath.Opener{User: opts.Account}.Open(path)
	if err != nil {
		r.unreadable(path, err)
		return nil
	}
	defer f.Close()
	as := opts.Account
	if as == nil {
		if as, err = owner(f); err != nil {
			r.add(codeOwner, wholeFile(path), fmt.Sprintf("Cannot trust %q", path), sentence(err.Error()))
			return nil
		}
	}
	text, err := account.ReadRegular(f.File, largestFile)
	if err != nil {
		r.unreadable(path, err)
		return nil
	}
	return &source{text: text, path: f.Path, as: as}
}

func (r *report) unreadable(path string, err error) {
	summary := fmt.Sprintf("Cannot read %q", path)
	var large *account.TooLargeError
	switch {
	case errors.As(err, &large):
		r.add(codeTooMuch, wholeFile(path), summary, sentence(large.Error()))
	case errors.Is(err, fs.ErrNotExist):
		r.add(codeRead, wholeFile(path), summary, "There is no such file.")
	default:
		r.add(codeRead, wholeFile(path), summary, sentence(reason(err)))
	}
}

// owner returns the user who can change f, an app's descriptor, or its folder if f is nil. The app
// gets only the rights of that user. nil is this process's own user. A file that more than one user
// can change is refused, as sshd refuses such files when deciding who may log in.
func owner(f *safepath.File) (*account.Account, error) {
	if loose := f.Loose; loose.Path != "" {
		return nil, fmt.Errorf("%s, and so decide what a host of root's runs; take that right away: chmod go-w %s", loose, loose.Path)
	}
	if f.Writers.RootAlone() {
		return nil, nil
	}
	uid, one := f.Writers.User()
	if !one {
		return nil, fmt.Errorf("%s, and one user must own it all who decides what a host of root's runs; give it to one with chown",
			safepath.Reasons(f.Steps))
	}
	as, err := account.LookupID(uid)
	if err != nil {
		return nil, fmt.Errorf("it belongs to a user whom the system does not know: %w", err)
	}
	return as, nil
}
