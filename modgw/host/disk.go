package host

import (
	"os/user"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/spool"
)

// disks records the disk usage of users with a quota: the sizes that builds have measured, and the
// current contents of the spool and the kept log. The zero value is empty.
type disks struct {
	logs func(user string) int64 // bytes of the kept log of a user; nil: there is none

	mu    sync.Mutex
	users map[string]*userDisk
}

// countInterval is how long the count for an app is valid: counting reads all folders.
const countInterval = 10 * time.Second

// diskCount is the disk usage of an app at a time.
type diskCount struct {
	status control.DiskStatus
	at     time.Time
}

// Disk implements [control.Host].
func (h *Host) Disk(app modgw.AppName) (control.DiskStatus, error) {
	h.counting.Lock()
	defer h.counting.Unlock()
	if c, ok := h.counts[app]; ok && time.Since(c.at) < countInterval {
		return c.status, nil
	}
	d, environment, err := h.servedBy(app)
	if err != nil {
		return control.DiskStatus{}, err
	}
	own, all, err := h.builder.Disk(d, environment)
	if err != nil {
		return control.DiskStatus{}, err
	}
	user := userOf(d)
	s := control.DiskStatus{
		Environment: own.Environments, Private: own.Private, User: user, Used: all, Most: d.DiskQuota,
	}
	sizes := h.archives.Load().Sizes()
	s.Logs, s.Used.Logs = sizes[app], 0
	for _, other := range h.Descriptors() {
		if userOf(other) == user {
			s.Used.Logs += sizes[other.Name]
		}
	}
	if h.counts == nil {
		h.counts = map[modgw.AppName]diskCount{}
	}
	h.counts[app] = diskCount{s, time.Now()}
	return s, nil
}

// servedBy returns the descriptor of an app and the folder of its environment, or "".
func (h *Host) servedBy(app modgw.AppName) (d modgw.Descriptor, environment string, err error) {
	descriptors := h.Descriptors()
	i := slices.IndexFunc(descriptors, func(d modgw.Descriptor) bool { return d.Name == app })
	if i < 0 {
		return d, "", modgw.UnknownApp(app)
	}
	if a, err := h.gateway.AppStatus(app); err == nil && a.Generation != nil {
		environment = a.Generation.Environment.Dir
	}
	return descriptors[i], environment, nil
}

// userOf is the login name of the user that an app runs as; "" for one that is not known.
func userOf(d modgw.Descriptor) string {
	name := d.User
	if name == "" {
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	return name
}

// userDisk is the disk usage of one user.
type userDisk struct {
	most     int64           // bytes for everything
	measured modgw.DiskUsage // as of the last build, without the spool
	spool    spool.Quota     // limits the files of the spool to the space that the rest leaves
}

// user returns the record of a user; d.mu is held.
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

// quota returns the limit of the spool files of an app; nil: no limit.
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

// kept returns the size of the data that the host itself keeps for a user's apps.
func (d *disks) kept(name string) modgw.DiskUsage {
	d.mu.Lock()
	defer d.mu.Unlock()
	return modgw.DiskUsage{Spool: d.user(name).spool.Used(), Logs: d.logsOf(name)}
}

func (d *disks) logsOf(name string) int64 {
	if d.logs == nil {
		return 0
	}
	return d.logs(name)
}

// measured records the measured disk usage of a user.
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

// usage returns the disk usage of the users with a quota.
func (d *disks) usage() map[string]modgw.DiskUsage {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]modgw.DiskUsage{}
	for name, u := range d.users {
		used := u.measured
		used.Spool, used.Logs = u.spool.Used(), d.logsOf(name)
		all[name] = used
	}
	return all
}
