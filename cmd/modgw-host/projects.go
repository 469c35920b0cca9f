package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/host"
)

// projects is the folder with the state folders of dev hosts: each project has one of its own, so
// that two can be developed side by side.
type projects string

// ownProjects returns the projects folder of this user.
func ownProjects() projects {
	return projects(filepath.Join(host.DefaultState(os.Getuid()), "dev"))
}

// state is the state folder for a target. Those for all targets in one folder begin alike: control
// finds them by that.
func (p projects) state(target string) (string, error) {
	path, err := resolved(target)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(string(p), projectName(path)), nil
	}
	name := projectName(filepath.Dir(path)) + "-" + shortHash(filepath.Base(path))
	return filepath.Join(string(p), name), nil
}

// control is the control address of the dev host that runs for a folder, or else for the nearest
// one above it; "" when there is none.
func (p projects) control(dir string) (modgw.Address, error) {
	dir, err := resolved(dir)
	if err != nil {
		return "", err
	}
	states, err := os.ReadDir(string(p))
	if err != nil {
		return "", nil // no dev host has run yet
	}
	for {
		running := p.running(states, projectName(dir))
		switch {
		case len(running) == 1:
			return running[0], nil
		case len(running) > 1:
			return "", &modgw.Fault{
				Code:    "MGW-CMD-004",
				Summary: fmt.Sprintf("cannot choose a host: %d dev hosts run in folder %q", len(running), dir),
				Hint:    fmt.Sprintf("say which one is meant with --control, such as --control %s", running[0]),
			}
		case dir == filepath.Dir(dir):
			return "", nil
		}
		dir = filepath.Dir(dir)
	}
}

// running returns the control addresses of the hosts that run for one project.
func (p projects) running(states []os.DirEntry, project string) (running []modgw.Address) {
	for _, state := range states {
		if name := state.Name(); name != project && !strings.HasPrefix(name, project+"-") {
			continue
		}
		address := host.ControlAddress(filepath.Join(string(p), state.Name()))
		connection, err := net.DialTimeout(address.Network(), address.Target(), time.Second)
		if err != nil {
			continue // the host has ended
		}
		connection.Close()
		running = append(running, address)
	}
	return running
}

// projectName is the name of a folder's state folder: short, and without characters that separate
// paths in lists.
func projectName(folder string) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c) {
			return c
		}
		return '_'
	}, filepath.Base(folder))
	return name[:min(len(name), 24)] + "-" + shortHash(folder)
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// resolved is an absolute path with the links in its folder followed, as far as it exists.
func resolved(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real, nil
	}
	if real, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(real, filepath.Base(path)), nil
	}
	return path, nil
}
