package process

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/account"
)

// listenState is how proc_net(5) writes that a socket listens.
const listenState = "0A"

// ownListener reports whether everybody who listens on a port is of the app's user or root: another user could have been
// faster than the program. Where the kernel does not tell, nobody is suspected.
func ownListener(port int, user *account.Account) bool {
	uid := uint32(os.Geteuid())
	if user != nil {
		uid = user.UID
	}
	suffix := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		if !ownListeners(table, suffix, uid) {
			return false
		}
	}
	return true
}

// ownListeners looks at one table of sockets; suffix ends the local address.
func ownListeners(table, suffix string, uid uint32) bool {
	f, err := os.Open(table)
	if err != nil {
		return true
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid …
		fields := strings.Fields(lines.Text())
		if len(fields) < 8 || fields[3] != listenState || !strings.HasSuffix(fields[1], suffix) {
			continue
		}
		if owner, err := strconv.ParseUint(fields[7], 10, 32); err == nil && owner != 0 && uint32(owner) != uid {
			return false
		}
	}
	return true
}
