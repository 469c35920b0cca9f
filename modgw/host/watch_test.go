package host

import (
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestFilesOfAUserAreWatchedWhileDescriptorsNameThem(t *testing.T) {
	f := newAppsFolder(t)
	f.host.config.Unwatched = false
	isWatched := func() bool { return f.host.watcher.Status(filesOf("root")).Mode != modgw.ReloadOff }
	f.host.watch([]*file{{Path: f.file("blog"), Owner: "root", Sources: []string{"/etc/hostname"}}}, nil)
	if !isWatched() {
		t.Error("what a descriptor of the user was made from is not watched")
	}
	f.host.watch(nil, nil)
	if isWatched() {
		t.Error("it is still watched, and no descriptor names it")
	}
}
