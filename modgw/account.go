package modgw

import (
	"fmt"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
)

// Account is the user that the app's processes run as; nil is the host's own. The error for a user
// or group that does not exist, or that is root, is a [Fault].
func (d Descriptor) Account() (*account.Account, error) {
	user, err := account.Lookup(d.User, d.Group, d.Groups...)
	if err != nil {
		return nil, &Fault{
			Code:    "MGW-APP-111",
			Summary: fmt.Sprintf("cannot run app %q as user %q", d.Name, d.User),
			Err:     err,
			Hint:    "create the user with useradd --system, or take the user line out of the descriptor",
		}
	}
	return user, nil
}

// Folder returns a folder of the app's files, which are opened with the rights of its user. If the
// app's tenant is confined, the folder must lead to files that the sandbox allows.
func (d Descriptor) Folder(dir string, user *account.Account) files.Folder {
	f := files.Folder{Dir: dir, User: user}
	if d.Sandbox != nil {
		f.Within = d.Sandbox.Within
	}
	return f
}
