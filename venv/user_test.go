package venv

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// ownedSite is a site whose app runs as nobody, with an interpreter that nobody may run.
func ownedSite(t *testing.T) (*site, modgw.Descriptor, uint32) {
	t.Helper()
	needRoot(t)
	s := newSite(t)
	s.environ[0] = "PATH=/usr/bin:/bin"
	d := s.descriptor()
	d.User = "nobody"
	acct, err := lookupAccount(d)
	if err != nil {
		t.Skip(err)
	}
	if err := os.Chown(s.root, int(acct.UID), int(acct.GID)); err != nil {
		t.Fatal(err)
	}
	return s, d, acct.UID
}

func TestBuildRunsAsTheAppsUser(t *testing.T) {
	t.Parallel()
	s, d, uid := ownedSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny\n")
	env := s.mustBuild(d)
	err := filepath.WalkDir(env.Dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err == nil && info.Sys().(*syscall.Stat_t).Uid != uid {
			t.Errorf("%s belongs to user %d", path, info.Sys().(*syscall.Stat_t).Uid)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if again := s.mustBuild(d); again.ID != env.ID || again.Took != 0 {
		t.Errorf("got %+v", again)
	}
	if list, err := s.builder().List(); len(list) != 1 || err != nil {
		t.Errorf("List = %+v, %v", list, err)
	}
	if err := os.Remove(filepath.Join(env.Dir, markerName)); err != nil {
		t.Fatal(err)
	}
	if again := s.mustBuild(d); again.ID != env.ID || again.Took == 0 {
		t.Errorf("after the marker was gone: %+v", again)
	}

	d.User = ""
	if own := s.mustBuild(d); own.ID == env.ID {
		t.Error("root and nobody share an environment that nobody can change")
	}
}

// CVE-2018-12026 and its kin: what the app's user may not read, no requirement file makes readable.
func TestRequirementsCannotPointAtSecrets(t *testing.T) {
	s, d, _ := ownedSite(t)
	if err := os.Symlink("/etc/shadow", filepath.Join(s.root, "requirements.txt")); err != nil {
		t.Fatal(err)
	}
	f := s.mustFail(d, "MGW-ENV-005")
	if !strings.Contains(f.Error(), "permission denied") || strings.Contains(f.Error(), "root:") {
		t.Errorf("got %v", f)
	}
	if _, err := s.builder().Fingerprint(d); err == nil {
		t.Error("the fingerprint was made from a file that nobody may read")
	}
}

// A folder that the app's user put in the place of its environment's content is removed without following its links.
func TestRemovingRubbishFollowsNoLink(t *testing.T) {
	s, d, _ := ownedSite(t)
	env := s.mustBuild(d)
	precious := filepath.Join(s.index, "precious")
	if err := os.WriteFile(precious, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.Remove(filepath.Join(env.Dir, markerName)),
		os.RemoveAll(filepath.Join(env.Dir, "lib")),
		os.Symlink(s.index, filepath.Join(env.Dir, "lib")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.mustBuild(d)
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestUsersWhoCannotBuildAreNamed(t *testing.T) {
	s := newSite(t)
	for _, user := range []string{"no-such-user", "root"} {
		d := s.descriptor()
		d.User = user
		if f := s.mustFail(d, "MGW-ENV-018"); !strings.Contains(f.Error(), user) {
			t.Errorf("user %s is not named: %v", user, f)
		}
	}
}

func TestStateFolderThatTheUserCannotEnter(t *testing.T) {
	s, d, _ := ownedSite(t)
	if err := os.Mkdir(s.state, 0o700); err != nil {
		t.Fatal(err)
	}
	if f := s.mustFail(d, "MGW-ENV-016"); !strings.Contains(f.Hint, "0755") {
		t.Errorf("got %v", f)
	}
}
