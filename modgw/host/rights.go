package host

import (
	"os"
	"slices"
	"strconv"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/listen"
)

// IsAdmin implements [control.Rights]. The groups of a user are looked up each time, so that
// a user who was taken out of one loses the rights.
func (h *Host) IsAdmin(uid uint32) bool {
	if uid == 0 || uid == uint32(os.Getuid()) {
		return true
	}
	h.mu.Lock()
	named := h.file.Admins
	h.mu.Unlock()
	return slices.ContainsFunc(named, func(name string) bool {
		// A user or group that does not exist has no rights.
		peers, err := listen.Named([]string{name})
		return err == nil && peers.Admits(uid)
	})
}

// Owns implements [control.Rights].
func (h *Host) Owns(uid uint32, app modgw.AppName) bool {
	if r := h.reconciler(app); r != nil {
		d := r.descriptor()
		return isUser(uid, d.User) || isUser(uid, d.Owner)
	}
	return slices.ContainsFunc(h.Claims(), func(c claims.Claim) bool { return c.App == app && isUser(uid, c.Owner) })
}

// isUser reports whether a user of a descriptor has the user id. "" is the host's own user, who is
// an administrator.
func isUser(uid uint32, name string) bool {
	if name == "" {
		return false
	}
	as, err := account.Lookup(name, "")
	return err == nil && as != nil && as.UID == uid
}

// UserName implements [control.Rights].
func (h *Host) UserName(uid uint32) string {
	if as, err := account.LookupID(uid); err == nil && as.Name != "" {
		return as.Name
	}
	return strconv.FormatUint(uint64(uid), 10)
}

// Policy implements [control.Host].
func (h *Host) Policy() control.Policy {
	h.mu.Lock()
	file, held := h.file, h.claimed
	h.mu.Unlock()
	return control.PolicyOf(file, held, h.disks.usage())
}
