package host

import (
	"sync"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

// disks knows what users with a quota have on the disk: what builds have measured, and what is in
// the spool now. Its zero value knows of none.
type disks struct {
	mu    sync.Mutex
	users map[string]*userDisk
}

// userDisk is what one user has.
type userDisk struct {
	most     int64           // bytes for everything
	measured modgw.DiskUsage // as of the last build, without the spool
	spool    spool.Quota     // bounds the files of the spool by what the rest leaves
}

// user returns what a user has; d.mu is held.
func (d *disks) user(name string) *userDisk {
	if d.users == nil {
		d.users = map[string]*userDisk{}
	}
	u := d.users[name]
	if u == nil {
		u = new(userDisk)
		d.users[name] = u
	}
	return u
}

// quota returns what bounds the files of the spool for an app; nil: nothing does.
func (d *disks) quota(of modgw.Descriptor) *spool.Quota {
	if of.DiskQuota <= 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.user(of.Owner)
	u.most = of.DiskQuota
	u.spool.SetLimit(u.most - u.measured.Sum())
	return &u.spool
}

// kept returns the bytes that a user's apps have in the spool.
func (d *disks) kept(name string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.user(name).spool.Used()
}

// measured takes note of what a user has on the disk.
func (d *disks) measured(name string, used modgw.DiskUsage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.user(name)
	used.Spool = 0
	u.measured = used
	if u.most > 0 {
		u.spool.SetLimit(u.most - used.Sum())
	}
}

// limits returns how many bytes the users with a quota may have.
func (d *disks) limits() map[string]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]int64{}
	for name, u := range d.users {
		all[name] = u.most
	}
	return all
}

// usage returns what the users with a quota have.
func (d *disks) usage() map[string]modgw.DiskUsage {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]modgw.DiskUsage{}
	for name, u := range d.users {
		used := u.measured
		used.Spool = u.spool.Used()
		all[name] = used
	}
	return all
}
