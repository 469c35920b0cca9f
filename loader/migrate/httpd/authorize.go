package httpd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// authorizerAddress is where Apache asks apps who may pass: mod_authnz_fcgi speaks TCP alone.
const authorizerAddress = "127.0.0.1:9001"

// authSettings are the settings of an authorize block by the directives that name a script.
var authSettings = map[string]string{
	"wsgiauthuserscript": "authorize.check_password", "wsgiauthgroupscript": "authorize.groups_for_user",
	"wsgiaccessscript": "authorize.allow_access",
}

// authorize lets apps decide who may pass, by the functions that mod_wsgi has called.
func (c *configuration) authorize() {
	for _, f := range c.all("wsgiauthuserscript", "wsgiauthgroupscript", "wsgiaccessscript") {
		c.authScript(f)
	}
	for _, f := range c.all("authbasicprovider", "authdigestprovider", "authformprovider") {
		c.authProvider(f)
	}
	for _, f := range c.all("require") {
		if strings.EqualFold(f.arg(0), "wsgi-group") {
			c.requireGroup(f)
		}
	}
	c.defineProviders()
}

// authScript assigns a script that authorises requests to an app of the same virtual host: the one
// that it guards, if there is one.
func (c *configuration) authScript(f *fact) {
	for _, o := range options(f.words[min(1, len(f.words)):]) {
		c.report.set(f.node, o.name, migrate.NotNeeded, "an authorizer runs in the processes of its app")
	}
	setting := authSettings[f.key()]
	_, name, _ := strings.Cut(setting, ".")
	a := c.authorizerFor(f)
	if a == nil || a.Value(setting) != nil {
		c.report.set(f.node, "", migrate.ByHand, "write a descriptor of an app with authorize { %s = %q }, and let Apache ask it by mod_authnz_fcgi: see the page about authorizers", name, c.absolute(f.arg(0)))
		return
	}
	a.Set(setting, a.relative(c.absolute(f.arg(0))))
	if !slices.Contains(c.authorizers, a) {
		c.authorizers = append(c.authorizers, a)
	}
	if f.key() == "wsgiaccessscript" {
		c.report.set(f.node, "", migrate.ByHand, "app %q has authorize { %s }; let Apache ask it without a login: AuthnzFcgiCheckAuthnProvider, see the page about authorizers", a.Name, name)
		return
	}
	c.report.set(f.node, "", migrate.ByHand, "app %q has authorize { %s }, and Apache asks it; add to the host's own file: listen \"fastcgi\" { address = %q }", a.Name, name, authorizerAddress)
}

// authorizerFor is the app that a directive guards, or another one of its virtual host.
func (c *configuration) authorizerFor(f *fact) (other *app) {
	for _, a := range c.apps {
		for _, m := range a.mounts {
			switch {
			case c.applies(f, m):
				return a
			case m.host == f.host && other == nil:
				other = a
			}
		}
	}
	return other
}

// authProvider puts the provider of an app in the place of mod_wsgi.
func (c *configuration) authProvider(f *fact) {
	if !slices.ContainsFunc(f.words, isWSGI) {
		c.stays(f.node)
		return
	}
	if f.key() != "authbasicprovider" {
		f.drop = true
		c.report.replace(f.node, migrate.ByHand, "only Basic authentication can be asked of an app: FastCGI has no way for Digest and forms; without a provider Apache lets no request pass")
		return
	}
	a := c.authorizerFor(f)
	if a == nil || !slices.Contains(c.authorizers, a) {
		f.other = indentOf(f.node) + "AuthBasicProvider file\n"
		c.report.replace(f.node, migrate.ByHand, "no app of these sources has the function: name the provider that AuthnzFcgiDefineProvider defines; until then Apache lets no request pass")
		return
	}
	words := slices.Clone(f.words)
	for i, w := range words {
		if isWSGI(w) {
			words[i] = providerOf(a)
		}
	}
	f.other = fmt.Sprintf("%sAuthBasicProvider %s\n%[1]sSetEnv MODGW_APP %[3]s\n", indentOf(f.node), strings.Join(words, " "), a.Name)
	c.report.replace(f.node, migrate.Translated, "app %q decides who may pass (authorize)", a.Name)
}

func isWSGI(word string) bool { return strings.EqualFold(word, "wsgi") }

// providerOf is the name of an app among Apache's authentication providers.
func providerOf(a *app) string { return "modgw-" + hostLabel(a.Name) }

// requireGroup asks an app for the groups of a user.
func (c *configuration) requireGroup(f *fact) {
	a := c.authorizerFor(f)
	if a == nil || !slices.Contains(c.authorizers, a) || a.Value("authorize.groups_for_user") == nil {
		f.drop = true
		c.report.replace(f.node, migrate.ByHand, "no app of these sources tells the groups of a user: see the page about authorizers")
		return
	}
	a.Set("authorize.groups", f.words[1:])
	f.other = indentOf(f.node) + "Require " + providerOf(a) + "\n"
	c.report.replace(f.node, migrate.Translated, "app %q tells the groups of a user (authorize)", a.Name)
}

// defineProviders puts the providers before all else: Apache has them for the whole server.
func (c *configuration) defineProviders() {
	if len(c.authorizers) == 0 || len(c.top.lines) == 0 {
		return
	}
	var b strings.Builder
	b.WriteString("# Apps that decide who may pass (mod_authnz_fcgi).\n")
	for _, a := range c.authorizers {
		kind := "authn"
		if a.Value("authorize.groups_for_user") != nil {
			kind = "authnz"
			if a.Value("authorize.check_password") == nil {
				kind = "authz"
			}
		}
		fmt.Fprintf(&b, "AuthnzFcgiDefineProvider %s %s fcgi://%s/\n", kind, providerOf(a), authorizerAddress)
	}
	place := c.top.lines[0]
	for _, f := range c.all("loadmodule") {
		if isWSGIModule(f.arg(0)) && len(f.in) == 0 {
			place = f.line // the module must be loaded before
			place.after = append(place.after, migrate.Part{Text: b.String()})
			return
		}
	}
	place.before = append(place.before, migrate.Part{Text: b.String()})
}
