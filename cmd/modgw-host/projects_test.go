package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/host"
)

// listenFor listens at the address of the dev host of a target, until the test ends.
func listenFor(t *testing.T, p projects, target string) modgw.Address {
	t.Helper()
	state, err := p.state(target)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	address := host.ControlAddress(state)
	l, err := net.Listen("unix", address.Target())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return address
}

func TestProjectsFindTheirOwnDevHost(t *testing.T) {
	states, err := os.MkdirTemp("", "mh") // a Unix socket's name has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(states) })
	p, home := projects(states), t.TempDir()
	for _, folder := range []string{"blog/app/views", "blog-2", "shop", "both"} {
		if err := os.MkdirAll(filepath.Join(home, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(home, "blog"), filepath.Join(home, "link")); err != nil {
		t.Fatal(err)
	}
	blog := listenFor(t, p, filepath.Join(home, "link"))
	shop := listenFor(t, p, filepath.Join(home, "shop", "shop.wsgi:application"))
	listenFor(t, p, filepath.Join(home, "both", "one.hcl"))
	listenFor(t, p, filepath.Join(home, "both", "two.hcl"))
	for folder, want := range map[string]modgw.Address{
		"blog": blog, "link": blog, "blog/app/views": blog, "shop": shop, "blog-2": "", ".": "",
	} {
		if got, err := p.control(filepath.Join(home, folder)); got != want || err != nil {
			t.Errorf("in %s: %q, %v; want %q", folder, got, err, want)
		}
	}
	if _, err := p.control(filepath.Join(home, "both")); err == nil || !faulttest.Has(err.Error(), "MGW-CMD-004") {
		t.Errorf("with two hosts: %v", err)
	}
	if strings.Contains(string(shop[len("unix:"):]), ":") {
		t.Errorf("a colon in %s separates entries of PYTHONPATH", shop)
	}
}

func TestStateOfAHostThatEndedIsPassedOver(t *testing.T) {
	p, project := projects(t.TempDir()), t.TempDir()
	state, err := p.state(project)
	if err == nil {
		err = os.MkdirAll(state, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.control(project); got != "" || err != nil {
		t.Errorf("control = %q, %v", got, err)
	}
}
