package proc

import (
	"os"
	"sync"

	"github.com/modgw/modgw/internal/cgroup"
)

// appGroups are the groups of the apps that have scopes, by name. They are state of the kernel, and
// so shared by the whole process.
var appGroups = struct {
	sync.Mutex
	open map[string]*appGroup
}{open: map[string]*appGroup{}}

// appGroup is the group of an app, with the number of scopes that use it.
type appGroup struct {
	group  *cgroup.Group
	scopes int
}

// openGroup creates the group of an app, or sets the limits of the existing one. Each call requires
// a call of closeGroup. The group is usable even if the error reports a limit that could not be
// set.
func openGroup(app string, limits cgroup.Limits) (*cgroup.Group, error) {
	appGroups.Lock()
	defer appGroups.Unlock()
	a := appGroups.open[app]
	if a == nil {
		a = &appGroup{}
		appGroups.open[app] = a
	}
	a.scopes++
	tree, err := ownTree()
	if err != nil {
		return nil, nil // this machine has no groups
	}
	home, err := homeName()
	if err != nil {
		return nil, err
	}
	group, err := tree.Open(home, app, limits)
	if group != nil {
		a.group = group
	}
	return a.group, err
}

// closeGroup removes the group of an app when no scope uses it any more.
func closeGroup(app string) {
	appGroups.Lock()
	defer appGroups.Unlock()
	a := appGroups.open[app]
	if a == nil {
		return
	}
	if a.scopes--; a.scopes == 0 {
		a.group.Remove()
		delete(appGroups.open, app)
	}
}

// DelegateCgroups makes the controllers of control groups usable for the apps, as far as this
// process may do so: see [cgroup.Tree.Delegate]. end undoes it.
func DelegateCgroups() (end func()) {
	if tree, err := ownTree(); err == nil {
		if end = tree.Delegate(); end != nil {
			return end
		}
	}
	return func() {}
}

// MachineBounds reports whether a host of root's can probably bound something on this machine.
func MachineBounds(c cgroup.Controller) bool {
	tree, err := ownTree()
	return err == nil && os.Geteuid() == 0 && tree.Has(c)
}

// CgroupVersion returns the version of control groups by which this process can limit a resource of
// others, or 0 if it cannot.
func CgroupVersion(c cgroup.Controller) int {
	tree, err := ownTree()
	if err != nil {
		return 0
	}
	return tree.Means(c)
}
