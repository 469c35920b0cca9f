package venv

import (
	"fmt"
	"os"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// lookupAccount finds the user that builds for d; nil is this process's own.
func lookupAccount(d modgw.Descriptor) (*account.Account, error) {
	acct, err := d.Account()
	if err != nil {
		return nil, err
	}
	if acct != nil && os.Geteuid() != 0 {
		return nil, &modgw.Fault{
			Code:    "MGW-ENV-018",
			Summary: fmt.Sprintf("cannot build the environment of app %q as its user", d.Name),
			Err:     fmt.Errorf("only a host that runs as root can act as user %q", acct.Name),
			Hint:    "start the host as root, or take user out of the descriptor",
		}
	}
	return acct, nil
}

// uidOf returns a number that distinguishes accounts; this process's own user is -1.
func uidOf(acct *account.Account) int {
	if acct == nil {
		return -1
	}
	return int(acct.UID)
}

// effectiveUID returns the user id of an account, or that of this process for nil.
func effectiveUID(acct *account.Account) uint32 {
	if acct == nil {
		return uint32(os.Geteuid())
	}
	return acct.UID
}
