package logbook

import (
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/control"
)

const (
	// tenantShare is the part of a tenant's disk for the kept log of its apps: a tenth, so that an
	// app that logs much leaves room for its other data.
	tenantShare = 10

	// leastTenantLog is the size of that part for the smallest disk, in bytes.
	leastTenantLog = 256 << 10
)

// Archives are the archive of the host, and one for each tenant with a disk quota: the log of a
// tenant's apps counts for the tenant, and does not displace the records of others.
type Archives struct {
	dir   string
	began time.Time
	log   *slog.Logger
	host  *archive

	mu      sync.Mutex
	owners  map[modgw.AppName]string // tenants with a bounded disk, by their apps
	disks   map[string]int64         // bytes that these may have on the disk
	tenants map[string]*archive      // by tenant; nil: it could not be opened
}

// OpenArchives opens the archive of the host in a folder, which it creates. Archives of tenants
// follow with their first record. log receives records about losses.
func OpenArchives(dir string, began time.Time, log *slog.Logger) (*Archives, error) {
	host, err := openArchive(dir, began, log)
	if err != nil {
		return nil, err
	}
	return &Archives{dir: dir, began: began, log: log, host: host, tenants: map[string]*archive{}}, nil
}

// Bound sets which apps belong to tenants with a disk quota. nil archives ignore it.
func (a *Archives) Bound(table []claims.Claim, tenants []modgw.Tenant) {
	if a == nil {
		return
	}
	disks, owners := map[string]int64{}, map[modgw.AppName]string{}
	for _, t := range tenants {
		if t.Disk > 0 {
			disks[t.User] = t.Disk
		}
	}
	for _, c := range table {
		if disks[c.Owner] > 0 {
			owners[c.App] = c.Owner
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.owners, a.disks = owners, disks
	for user, archive := range a.tenants {
		if most, ok := disks[user]; ok && archive != nil {
			archive.most.Store(tenantFile(most))
		}
	}
}

// tenantFile returns the largest size of a file of a tenant's archive, in bytes.
func tenantFile(disk int64) int64 {
	return min(archiveSize, max(leastTenantLog, disk/tenantShare)/archiveFiles)
}

// add queues a record. It never blocks.
func (a *Archives) add(number uint64, record control.LogRecord) {
	a.archiveOf(record.App).add(number, record)
}

// archiveOf is the archive that has the records of an app.
func (a *Archives) archiveOf(app modgw.AppName) *archive {
	a.mu.Lock()
	defer a.mu.Unlock()
	user := a.owners[app]
	if user == "" {
		return a.host
	}
	archive, known := a.tenants[user]
	if !known {
		archive = a.open(user)
		a.tenants[user] = archive
	}
	if archive == nil {
		return a.host
	}
	return archive
}

// open opens the archive of a tenant; nil when that is not possible. a.mu is held.
func (a *Archives) open(user string) *archive {
	archive, err := openArchive(a.folder(user), a.began, a.log)
	if err != nil {
		// This is called for a record, so that another one has to wait until that is written.
		go a.log.Warn("log records of a tenant kept among those of others", "user", user, "error", err)
		return nil
	}
	archive.most.Store(tenantFile(a.disks[user]))
	archive.forgets = sync.OnceFunc(func() {
		a.log.Warn("oldest log records of a tenant removed", "user", user, "most", modgw.FormatSize(archive.most.Load()*archiveFiles))
	})
	return archive
}

// folder returns the folder of a tenant's archive.
func (a *Archives) folder(user string) string { return filepath.Join(a.dir, "tenant-"+user) }

// Used returns the size of a tenant's archive in bytes; 0 for nil archives.
func (a *Archives) Used(user string) int64 {
	if a == nil {
		return 0
	}
	return (&archive{dir: a.folder(user)}).bytes()
}

// all are the archives that there are, also of tenants of earlier runs.
func (a *Archives) all() []*archive {
	found := []*archive{a.host}
	folders, _ := filepath.Glob(filepath.Join(a.dir, "tenant-*")) // the pattern is right
	for _, folder := range folders {
		found = append(found, &archive{dir: folder, run: a.host.run})
	}
	return found
}

// find returns the records that match a query, oldest first. If the query has a number of lines, it
// returns the last ones. It leaves out records of this run for which has is true.
func (a *Archives) find(q control.LogQuery, has func(number uint64) bool) (found []control.LogRecord) {
	for _, archive := range a.all() {
		found = append(found, archive.find(q, has)...)
	}
	slices.SortStableFunc(found, func(a, b control.LogRecord) int { return a.Time.Compare(b.Time) })
	if q.Lines > 0 && len(found) > q.Lines {
		found = found[len(found)-q.Lines:]
	}
	return found
}

// Sizes are the bytes of the records of each app. nil archives have none.
func (a *Archives) Sizes() map[modgw.AppName]int64 {
	sizes := map[modgw.AppName]int64{}
	if a == nil {
		return sizes
	}
	for _, archive := range a.all() {
		for app, bytes := range archive.sizes() {
			sizes[app] += bytes
		}
	}
	return sizes
}

// Close writes queued records and closes the files.
func (a *Archives) Close() {
	a.mu.Lock()
	open := append(slices.Collect(maps.Values(a.tenants)), a.host)
	a.mu.Unlock()
	for _, archive := range open {
		if archive != nil {
			archive.close()
		}
	}
}
