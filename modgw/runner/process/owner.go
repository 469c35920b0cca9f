package process

import (
	"os"

	"github.com/modgw/modgw/internal/account"
)

// ownListener reports whether everybody who listens on a port is of the app's user or root: another
// user could have been faster than the program. Where the kernel does not tell, no one is
// suspected.
func ownListener(port int, user *account.Account) bool {
	uid := uint32(os.Geteuid())
	if user != nil {
		uid = user.UID
	}
	for _, s := range listeningSockets("self") {
		if int(s.address.Port()) == port && s.uid != 0 && s.uid != uid {
			return false
		}
	}
	return true
}
