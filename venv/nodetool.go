package venv

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// resolver is the module that lets import find the packages of an environment, and resolverName its
// file there.
//
//go:embed resolver.mjs
var resolver string

const resolverName = "modgw-resolver.mjs"

// npmSettings returns the settings of npm in the host's environment, as "KEY=value".
func (h hostEnviron) npmSettings() []string {
	var list []string
	for key, value := range h {
		name := strings.ToLower(key)
		if strings.HasPrefix(name, "npm_config_") && name != "npm_config_cache" && name != "npm_config_prefix" ||
			slices.Contains(networkSettings, key) || key == "NODE_EXTRA_CA_CERTS" {
			list = append(list, key+"="+value)
		}
	}
	slices.Sort(list)
	return list
}

// findIn looks a program up in the host's PATH, then in the system's.
func (h hostEnviron) findIn(name string) string {
	if path := h.find(name); path != "" {
		return path
	}
	return (hostEnviron{"PATH": safePath}).find(name)
}

func withoutNode(app modgw.AppName) error {
	return &modgw.Fault{
		Code:    "MGW-ENV-031",
		Summary: fmt.Sprintf("cannot install the Node.js packages of app %q without node and npm", app),
		Hint: "put both where the host's PATH has them and the app's user can run them; " +
			"or run npm ci in the app's root yourself, and its node_modules is used",
	}
}

// npmComplaints are messages of a failed npm.
var npmComplaints = []complaint{
	{
		lazyregexp.New(`ENOSPC|EDQUOT`),
		"MGW-ENV-013", "cannot install the Node.js packages of app %q: the disk is full",
		"make room in the state folder's file system, then reload",
	},
	{
		lazyregexp.New(`EINTEGRITY`),
		"MGW-ENV-014", "cannot install the Node.js packages of app %q: a hash is missing or does not match",
		"a package changed under its version; find out why before you rewrite the lock file",
	},
	{
		lazyregexp.New(`ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|CERT_|SELF_SIGNED|E50[0234]`),
		"MGW-ENV-012", "cannot install the Node.js packages of app %q: the package index cannot be reached",
		"look at network, proxy, certificates and npm_config_registry of the host, then reload",
	},
	{
		lazyregexp.New(`package\.json and package-lock\.json|EUSAGE|npm ci can only install`),
		"MGW-ENV-025", "cannot install the Node.js packages of app %q: the lock is older than what it was made from",
		"run npm install in the app's folder, and put the new package-lock.json beside package.json",
	},
	{
		lazyregexp.New(`E404|ETARGET`),
		"MGW-ENV-011", "cannot install the Node.js packages of app %q: no package fits a requirement",
		"look for a package that was taken back, or an index that does not have it",
	},
}
