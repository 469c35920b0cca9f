package control

import (
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
)

// Policy describes the rights of users to claims, and the claims that they have.
type Policy struct {
	Admins []string `json:"admins"` // users and @groups, in addition to root

	// Tenants are in the order of the host file. If there are none, each user may claim any free
	// place.
	Tenants []TenantPolicy `json:"tenants"`
}

// TenantPolicy describes the rights of one user to claims, and the user's claims.
type TenantPolicy struct {
	User     string            `json:"user"`     // login name
	Hosts    []string          `json:"hosts"`    // host patterns, at any mount
	Mounts   []string          `json:"mounts"`   // mounts in other hosts: HOST/PATH
	Apps     int               `json:"apps"`     // apps at once; 0: any number
	Disk     int64             `json:"disk"`     // bytes on the disk for all apps; 0: any number
	Used     *modgw.DiskUsage  `json:"used"`     // as of the last build; null: not measured
	Ceilings map[string]string `json:"ceilings"` // by setting, such as "limits.memory"
	Claims   []claims.Claim    `json:"claims"`   // claims of the user's apps
}

// PolicyOf combines a host file with the present claims, and with the disk usage of users.
func PolicyOf(
	h modgw.HostFile, held []claims.Claim, used map[string]modgw.DiskUsage,
) Policy {
	p := Policy{Admins: append([]string{}, h.Admins...), Tenants: []TenantPolicy{}}
	for _, t := range h.Tenants {
		policy := TenantPolicy{
			User: t.User, Hosts: append([]string{}, t.Hosts...), Mounts: []string{}, Apps: t.Apps, Disk: t.Disk,
			Ceilings: map[string]string{}, Claims: []claims.Claim{},
		}
		if u, ok := used[t.User]; ok {
			policy.Used = &u
		}
		for _, m := range t.Mounts {
			policy.Mounts = append(policy.Mounts, m.String())
		}
		for _, c := range t.Ceilings.List() {
			policy.Ceilings[c.String()] = c.Most
		}
		for _, c := range held {
			if c.Owner == t.User {
				policy.Claims = append(policy.Claims, c)
			}
		}
		p.Tenants = append(p.Tenants, policy)
	}
	return p
}
