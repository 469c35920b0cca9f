package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/probe"
)

// statusHost is a host that has a status, and no front.
type statusHost struct {
	status control.Status
	err    error
}

func (h statusHost) Status(context.Context) (control.Status, error) { return h.status, h.err }
func (h statusHost) ArmProbes(context.Context, time.Duration) (probe.Key, error) {
	return probe.Key{}, nil
}
func (h statusHost) ProbeReport(context.Context, string) (probe.Report, bool, error) {
	return probe.Report{}, false, nil
}
func (h statusHost) ContinueProbe(context.Context, string) error { return nil }

// want fails the test unless there is exactly one finding, with this code and a message that the
// code's entry in troubleshooting.md quotes.
func want(t *testing.T, found []Finding, code string) Finding {
	t.Helper()
	if len(found) != 1 || found[0].Code != code {
		t.Errorf("found %v, want %s alone", found, code)
		return Finding{}
	}
	faulttest.Want(t, found[0].Text(), code)
	return found[0]
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMachineIsExamined(t *testing.T) {
	want(t, diskFindings("/var", 1<<20, true, 1<<20), "MGW-DOC-070")
	want(t, diskFindings("/var", 1<<40, true, 10), "MGW-DOC-071")
	if found := diskFindings("/var", 1<<40, false, 0); found != nil {
		t.Errorf("a disk without inodes: %v", found)
	}

	root := t.TempDir()
	d := New(Config{root: root})
	write(t, root+"/proc/sys/net/core/somaxconn", "50\n")
	want(t, d.checkBacklog(), "MGW-DOC-075")
	write(t, root+"/proc/sys/net/core/somaxconn", "4096\n")
	if found := d.checkBacklog(); found != nil {
		t.Errorf("a long queue: %v", found)
	}
}

func TestLimitOfOpenFilesIsTheHostsOwn(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "ulimit -n 100; echo; read line")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // the limit counts
		t.Fatal(err)
	}
	want(t, checkFiles(cmd.Process.Pid), "MGW-DOC-072")
	in.Close()
	_ = cmd.Wait() // it ends with status 1: there was no line
}

func TestStatusOfTheHostIsExamined(t *testing.T) {
	blog := app("blog", modgw.KindStatic, "/")
	blog.File, blog.Line = "/etc/modgw/blog.hcl", 3
	d := New(Config{Apps: []modgw.Descriptor{blog}})
	failed := control.AppStatus{AppStatus: modgw.AppStatus{App: "blog", Failure: &modgw.FailureStatus{
		Code: "MGW-APP-001", Error: `cannot import "x" [MGW-APP-001]`,
	}}}
	f := want(t, d.checkStatus(control.Status{Apps: []control.AppStatus{failed}}), "MGW-DOC-077")
	if f.File != blog.File || f.Line != 3 || f.App != "blog" {
		t.Errorf("at %s", f.Place())
	}
	polled := control.AppStatus{AppStatus: modgw.AppStatus{App: "blog"}, Watch: control.WatchStatus{Degraded: "no watches are left"}}
	want(t, d.checkStatus(control.Status{Apps: []control.AppStatus{polled}}), "MGW-DOC-073")
	other := polled
	other.App = "shop"
	if found := d.checkStatus(control.Status{Apps: []control.AppStatus{other}}); found != nil {
		t.Errorf("an app that is not examined: %v", found)
	}
	f = want(t, d.checkStatus(control.Status{Broken: []control.BrokenFile{{File: "/x.hcl", Diagnostics: "cannot read\nmore"}}}), "MGW-DOC-078")
	if f.File != "/x.hcl" || strings.Contains(f.Message, "more") {
		t.Errorf("%s at %s", f.Message, f.Place())
	}

	file := filepath.Join(t.TempDir(), "host.hcl")
	write(t, file, "")
	future := time.Now().Add(time.Hour)
	if err := os.Chtimes(file, future, future); err != nil {
		t.Fatal(err)
	}
	want(t, d.checkClock(control.Status{File: file}), "MGW-DOC-074")

	d.Host = statusHost{err: fmt.Errorf("asked: %w", control.ErrNoHost)}
	d.root = t.TempDir()
	want(t, d.checkMachine(t.Context()), "MGW-DOC-076")
	d.Host = nil
	want(t, d.checkMachine(t.Context()), "MGW-DOC-076")
}

// rightsBench returns a doctor with a configuration of nginx for a socket that is not served.
func rightsBench(t *testing.T, socket string) (*Doctor, []*server) {
	t.Helper()
	dir := fronttest.Dir(t)
	file := filepath.Join(dir, "nginx.conf")
	write(t, file, strings.NewReplacer("@PORT@", "80", "@FCGI@", socket).Replace("user daemon;\nhttp {\n"+bases["nginx fastcgi"]+"}\n"))
	blog := app("blog", modgw.KindStatic, "/")
	d := New(Config{
		Apps: []modgw.Descriptor{blog}, Listeners: []modgw.Listener{{Kind: "fastcgi", Address: modgw.Address("unix:" + socket)}},
		HostFile: "/etc/modgw/modgw.hcl", Servers: []Server{{Kind: Nginx, File: file}}, root: t.TempDir(),
		TrustedProxies: []netip.Prefix{},
	})
	servers, broken := d.readServers()
	if broken != nil {
		t.Fatal(broken)
	}
	return d, servers
}

func TestRightsOfTheWebServersUserAreExamined(t *testing.T) {
	dir := fronttest.Dir(t)
	socket := filepath.Join(dir, "closed", "modgw.sock")
	write(t, socket, "") // a file has the same rights
	d, servers := rightsBench(t, socket)
	if err := os.Chmod(filepath.Dir(socket), 0o750); err != nil {
		t.Fatal(err)
	}
	f := want(t, d.checkRights(servers), "MGW-DOC-060")
	if f.File != filepath.Dir(socket) || !f.Repairable() {
		t.Errorf("at %s, %v", f.Place(), f.edits)
	}
	if _, err := apply(f.edits); err != nil {
		t.Fatal(err)
	}
	f = want(t, d.checkRights(servers), "MGW-DOC-061")
	if f.File != d.HostFile || f.Directive != `listen "fastcgi"` {
		t.Errorf("at %s", f.Place())
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	if found := d.checkRights(servers); found != nil {
		t.Errorf("an open socket: %v", found)
	}

	write(t, d.root+"/run/systemd/system/x", "")
	write(t, d.root+"/lib/systemd/system/nginx.service", "[Service]\nPrivateTmp=true\n")
	if strings.HasPrefix(socket, "/tmp/") {
		want(t, d.checkRights(servers), "MGW-DOC-062")
	}

	write(t, d.root+"/sys/fs/selinux/enforce", "1")
	write(t, d.root+"/sys/fs/selinux/booleans/httpd_can_network_connect", "0 0")
	want(t, d.confinements(servers), "MGW-DOC-065")
	write(t, d.root+"/sys/fs/selinux/enforce", "0")
	write(t, d.root+"/sys/kernel/security/apparmor/profiles", "/usr/sbin/nginx (enforce)\n")
	servers[0].Program = "/usr/sbin/nginx"
	want(t, d.confinements(servers), "MGW-DOC-066")
}

func TestFoldersOfAliasesAreExamined(t *testing.T) {
	dir := fronttest.Dir(t)
	socket := filepath.Join(dir, "modgw.sock")
	write(t, socket, "")
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	files := filepath.Join(dir, "static")
	if err := os.Mkdir(files, 0o700); err != nil {
		t.Fatal(err)
	}
	d, servers := rightsBench(t, socket)
	d.Apps[0].Aliases = []modgw.Alias{{Path: "/static", Dir: files}}
	want(t, d.checkRights(servers), "MGW-DOC-063")
}
