package reload

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// logged runs a watcher for an app with one file, and waits for a fault in its log.
func logged(t *testing.T, code string, prepare func(root string, in *Interest)) (file string, changes chan Change) {
	t.Helper()
	var log lockedBuffer
	file, w, in, changes := trial(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if prepare != nil {
		prepare(in.Root, &in)
		in.Mode = modgw.ReloadPoll // the kernel's events for so many folders are not under test
	}
	serve(t, w)
	if err := w.Watch(in); err != nil {
		t.Fatal(err)
	}
	until(t, "watching", func() bool { return w.Status(in.App).Files >= 2 })
	if prepare == nil {
		if err := os.RemoveAll(in.Root); err != nil {
			t.Fatal(err)
		}
	}
	until(t, code, func() bool { return faulttest.Has(log.String(), code) })
	return file, changes
}

func manyFolders(t *testing.T, dir string, count int) {
	t.Helper()
	for i := range count {
		if err := os.Mkdir(filepath.Join(dir, fmt.Sprint(i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesThatAreGoneAreMissedAndReloadedWhenTheyAreBack(t *testing.T) {
	file, changes := logged(t, "MGW-RLD-006", nil)
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, file, "back again")
	receive(t, changes)
}

func TestFoldersBeyondTheLimitAreTold(t *testing.T) {
	logged(t, "MGW-RLD-003", func(root string, _ *Interest) { manyFolders(t, root, folderLimit+1) })
}

func TestAFolderBehindALinkThatIsTooLargeIsTold(t *testing.T) {
	logged(t, "MGW-RLD-008", func(root string, _ *Interest) {
		outside := t.TempDir()
		manyFolders(t, outside, outsideFolderLimit+1)
		if err := os.Symlink(outside, filepath.Join(root, "link")); err != nil {
			t.Fatal(err)
		}
	})
}
