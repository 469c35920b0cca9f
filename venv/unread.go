package venv

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
)

// foreignProject is a way to declare packages that the host does not read, with advice.
type foreignProject struct {
	file   string // in the app's root
	advice string
}

// foreignProjects are looked at in this order. A requirements folder and requirements files of
// other names come after.
var foreignProjects = []foreignProject{
	{"poetry.lock", "poetry export -o requirements.txt writes what the host reads"},
	{"pdm.lock", "pdm export -o requirements.txt writes what the host reads"},
	{"Pipfile.lock", "pipenv requirements > requirements.txt writes what the host reads"},
	{"Pipfile", "pipenv lock && pipenv requirements > requirements.txt writes what the host reads"},
	{"environment.yml", "make the environment with conda and name its folder: python { venv = \"…\" }"},
	{"environment.yaml", "make the environment with conda and name its folder: python { venv = \"…\" }"},
	{"setup.py", `python { packages = ["."] } installs the project with what it requires`},
	{"setup.cfg", `python { packages = ["."] } installs the project with what it requires`},
	{"requirements.in", "pip-compile requirements.in writes the requirements.txt that the host reads"},
}

// readUnread looks for files in root that declare packages and that the host does not read, if no
// other input names packages.
func (in *inputs) readUnread(root string, acct *account.Account) {
	if in.tables != "" {
		in.unread = append(in.unread, in.tables)
	}
	for _, f := range foreignProjects {
		path := filepath.Join(root, f.file)
		in.watch(path)
		if isRegular(path, acct) {
			in.unread = append(in.unread, fmt.Sprintf("%q is not read: %s", f.file, f.advice))
		}
	}
	for _, file := range otherRequirements(root, acct) {
		in.unread = append(in.unread, fmt.Sprintf("%q is not read: python { requirements = [%q] } names it", file, file))
	}
}

// mostUnread is the largest number of files that are reported.
const mostUnread = 5

// otherRequirements are the requirements files in root, and in a folder "requirements", that are
// not called requirements.txt. Those for production come first.
func otherRequirements(root string, acct *account.Account) []string {
	var found []string
	for _, folder := range []string{".", "requirements"} {
		// A folder that cannot be listed has no files to report.
		entries, _ := safepath.Opener{User: acct}.ReadDir(filepath.Join(root, folder))
		for _, e := range entries {
			if e.Type().IsRegular() && isRequirements(folder, e.Name()) {
				found = append(found, filepath.Join(folder, e.Name()))
			}
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return requirementsRank(a) - requirementsRank(b) })
	return found[:min(len(found), mostUnread)]
}

func isRequirements(folder, name string) bool {
	return strings.HasSuffix(name, ".txt") && name != "requirements.txt" &&
		(folder != "." || strings.Contains(strings.ToLower(name), "requirements"))
}

func requirementsRank(file string) int {
	for i, word := range []string{"prod", "base", "common", "main"} {
		if strings.Contains(strings.ToLower(filepath.Base(file)), word) {
			return i
		}
	}
	return 10
}

func isRegular(path string, acct *account.Account) bool {
	info, err := safepath.Opener{User: acct}.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// sayNotes reports observations about an app's project files.
func (p *plan) sayNotes(in inputs) {
	for _, note := range slices.Concat(in.notes, in.unread) {
		p.say("%s", note)
	}
}
