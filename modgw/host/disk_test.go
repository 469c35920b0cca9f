package host

import (
	"testing"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

func TestSpoolOfATenantMayUseWhatTheRestLeaves(t *testing.T) {
	t.Parallel()
	var d disks
	app := modgw.Descriptor{Owner: "shopteam", DiskQuota: 1 << 20}
	if d.quota(modgw.Descriptor{Owner: "games"}) != nil {
		t.Error("a quota for a user without one")
	}
	keep := func(size int) error {
		t.Helper()
		s := spool.New(spool.Config{Dir: t.TempDir(), Disk: 1 << 30})
		b := spool.NewBuffer(s.AccountWithin(1<<30, d.quota(app)), 1<<30)
		t.Cleanup(b.Close)
		_, err := b.Write(make([]byte, size))
		return err
	}
	if err := keep(256 << 10); err != nil {
		t.Error(err)
	}
	if kept := d.kept("shopteam").Spool; kept != 256<<10 || d.usage()["shopteam"].Spool != kept {
		t.Errorf("%d bytes kept, %+v", kept, d.usage())
	}
	d.measured("shopteam", modgw.DiskUsage{Environments: 700 << 10, Spool: 256 << 10})
	if err := keep(256 << 10); err != spool.ErrAccountFull {
		t.Errorf("beyond the quota: %v", err)
	}
	d.measured("shopteam", modgw.DiskUsage{Environments: 100 << 10})
	if err := keep(256 << 10); err != nil {
		t.Errorf("after some was removed: %v", err)
	}
	if used := d.usage()["shopteam"]; used.Environments != 100<<10 || used.Spool != 512<<10 {
		t.Errorf("%+v", used)
	}
}

func TestKeptLogOfATenantCountsForItsDisk(t *testing.T) {
	t.Parallel()
	d := disks{logs: func(user string) int64 { return int64(len(user)) }}
	d.quota(modgw.Descriptor{Owner: "games", DiskQuota: 4 << 20})
	if used, kept := d.usage()["games"], d.kept("games"); used.Sum() != 5 || kept.Logs != 5 {
		t.Errorf("used %+v, kept %+v", used, kept)
	}
}
