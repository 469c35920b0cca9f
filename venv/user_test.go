package venv

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// ownedSite returns a site whose app runs as the user "nobody", with an interpreter that this user
// may run.
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

// needTool skips a test if its user cannot execute the tool at any of the paths: tools that
// scripts/setup has fetched into a checkout below /root are inaccessible to other users.
func needTool(t *testing.T, uid uint32, paths ...string) {
	t.Helper()
	for _, path := range paths {
		check := exec.Command("/usr/bin/test", "-x", path)
		check.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		if check.Run() == nil {
			return
		}
	}
	t.Skipf("user %d may not execute %q", uid, paths)
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
	s.addUV() // the first build showed pip's behaviour
	if again := s.mustBuild(d); again.ID != env.ID || again.Took == 0 {
		t.Errorf("after the marker was gone: %+v", again)
	}

	d.User = ""
	if s.fingerprint(d) == env.ID {
		t.Error("root shares an environment that another user can change")
	}
}

// A requirement file must not make files readable that the app's user may not read, as in
// CVE-2018-12026.
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
		t.Error("the fingerprint was made from a file that the app's user may not read")
	}
}

// A folder that the app's user put in the place of its environment's content is removed without
// following its links.
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
		if f := s.mustFail(d, "MGW-APP-111"); !strings.Contains(f.Error(), user) {
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

// Variables that env() hides from the owner of a descriptor are hidden from the app's packages,
// too.
func TestBuildForADescriptorOfAUserKnowsNothingThatTheHostAloneKnows(t *testing.T) {
	t.Parallel()
	s, d, _ := ownedSite(t)
	s.addUV()
	s.environ = append(s.environ, "PIP_EXTRA_INDEX_URL=https://me:hunter2@127.0.0.1/simple", "UV_INDEX_URL=https://me:hunter2@127.0.0.1/simple",
		"UV_PUBLISH_TOKEN=hunter2", "HTTP_PROXY=http://me:hunter2@127.0.0.1:9", "NO_PROXY=localhost", "GOPROXY=http://me:hunter2@127.0.0.1",
		"GOFLAGS=-mod=mod", "npm_config__auth=hunter2", "NETRC=/root/hunter2")
	s.sdist("nosy", "1.0", "import os, sys\nprint(sorted(os.environ.items()))\nsys.exit(3)\n")
	s.write("requirements.txt", "--no-index\n--find-links "+s.index+"\nnosy\n")
	if f := s.mustFail(d, "MGW-ENV-019"); !strings.Contains(f.Output, "hunter2") {
		t.Errorf("root's descriptor gave the build nothing of the host's settings: %s", f.Output)
	}
	d.Owner = d.User
	f := s.mustFail(d, "MGW-ENV-019")
	for _, word := range []string{"hunter2", "PIP_FIND_LINKS", "UV_INDEX"} {
		if strings.Contains(f.Output, word) {
			t.Errorf("the build knows %q: %s", word, f.Output)
		}
	}
	if !strings.Contains(f.Output, "NO_PROXY") {
		t.Errorf("the build was not told how the network is reached: %s", f.Output)
	}
	known := newHostEnviron(s.environ).knownTo(d)
	for _, list := range [][]string{known.buildSettings(), known.goSettings(), known.npmSettings(), known.uvFindEnviron()} {
		if text := strings.Join(list, " "); strings.Contains(text, "hunter2") || strings.Contains(text, "GOFLAGS") {
			t.Errorf("a build is told %s", text)
		}
	}
}

func TestEnvironmentOfAUserIsClosedToOthers(t *testing.T) {
	t.Parallel()
	s, d, uid := ownedSite(t)
	env := s.mustBuild(d)
	info, err := os.Stat(env.Dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	other := &account.Account{UID: uid - 1, GID: uid - 1}
	err = other.Do(func() error { _, err := os.ReadDir(env.Dir); return err })
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("another user lists it: %v", err)
	}
	if got := s.mustBuild(d); got.ID != env.ID || got.Took != 0 {
		t.Errorf("its own user no longer finds it: %+v", got)
	}
	d.User = "daemon"
	if err := os.Chown(s.root, 1, 1); err != nil {
		t.Fatal(err)
	}
	if s.fingerprint(d) == env.ID {
		t.Error("two users share an environment")
	}
}
