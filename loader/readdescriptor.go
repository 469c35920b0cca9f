package loader

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/modgw/modgw/internal/account"
)

// read is the text of a descriptor or host file, and the account that its apps are held to.
func (r *report) read(path string, opts Options) ([]byte, *account.Account, bool) {
	as := opts.Account
	if as == nil {
		var err error
		if as, err = rightsFor(path); err != nil {
			r.add(codeOwner, wholeFile(path), fmt.Sprintf("Cannot read %q", path), sentence(err.Error()))
			return nil, nil, false
		}
	}
	if as != nil && as.Name == "" {
		r.add(codeOwner, wholeFile(path), fmt.Sprintf("Cannot trust %q", path),
			"More than one user can change it, or the folders that lead to it, and so decide what root's host runs. "+
				"Let one user own them all, and take the right to write from everybody else: chmod go-w")
		return nil, nil, false
	}
	src, err := (&reader{as: as}).read(path)
	if err == nil {
		return src, as, true
	}
	summary := fmt.Sprintf("Cannot read %q", path)
	var large *account.TooLargeError
	switch {
	case errors.As(err, &large):
		r.add(codeTooMuch, wholeFile(path), summary, sentence(large.Error()))
	case errors.Is(err, fs.ErrNotExist):
		r.add(codeRead, wholeFile(path), summary, "There is no such file.")
	case errors.Is(err, fs.ErrPermission) && as != nil:
		r.add(codeRead, wholeFile(path), summary, fmt.Sprintf("Permission denied: it is read with the rights of user %q, who can change its folder.", as.Name))
	default:
		r.add(codeRead, wholeFile(path), summary, sentence(reason(err)))
	}
	return nil, nil, false
}
