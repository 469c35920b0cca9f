package dev

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// localDomains are domains that cannot be registered, so that no page from outside can use them.
var localDomains = []string{".localhost", ".local", ".test", ".internal", ".lan", ".home.arpa"}

// isForDeveloper reports whether the host name of a request may belong to this machine. A page from
// elsewhere can make its own name lead to this machine (DNS rebinding), and would then be allowed
// to read the error page.
func (v *visit) isForDeveloper(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	switch {
	case net.ParseIP(host) != nil, !strings.Contains(host, "."):
		return true
	case slices.ContainsFunc(localDomains, func(domain string) bool { return strings.HasSuffix(host, domain) }):
		return true
	}
	status, err := v.handler.config.Gateway.AppStatus(v.name)
	return err == nil && slices.ContainsFunc(status.Hosts, func(own string) bool {
		suffix, wild := strings.CutPrefix(own, "*")
		return host == own || wild && strings.HasSuffix(host, suffix)
	})
}

// serveOthers answers in place of an error page.
func (v *visit) serveOthers(w http.ResponseWriter, r *http.Request, status int) {
	f := &modgw.Fault{
		Code:    "MGW-DEV-004",
		Summary: fmt.Sprintf("cannot show what failed: %q is no name of this machine", r.Host),
		Hint:    "ask at 127.0.0.1 or localhost, or add the name to hosts in the app's descriptor",
	}
	if v.handler.once(f.Summary) {
		v.handler.log.Warn("error page not shown", "app", v.name, "code", f.Code, "error", f.Error())
	}
	modgw.ServeFault(w, r.WithContext(modgw.WithDeveloperPage(r.Context(), nil)), status, f, true)
}
