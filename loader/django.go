package loader

import (
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

var (
	settingsModule      = lazyregexp.New(`DJANGO_SETTINGS_MODULE['"]\s*(?:,|\]\s*=)\s*['"]([\w.]+)['"]`)
	asgiApplication     = lazyregexp.New(`(?m)^ASGI_APPLICATION\s*=\s*['"]([\w.]+)\.(\w+)['"]`)
	assignedApplication = lazyregexp.New(`(?m)^application\s*(?::[^=\n]*)?=[ \t]*(.*)$`)
	wsgiApplication     = lazyregexp.New(`(?m)^WSGI_APPLICATION\s*=\s*['"]([\w.]+)\.(\w+)['"]`)
)

// django recognises a Django project by its manage.py, which names the settings; nil when it is
// none.
func (p *project) django() *finding {
	manage := p.text("manage.py")
	if !strings.Contains(manage, "django") && !strings.Contains(manage, "DJANGO_SETTINGS_MODULE") {
		return nil
	}
	settings := ""
	if m := settingsModule.FindStringSubmatch(manage); m != nil {
		settings = m[1]
	}
	kind, entry := p.djangoEntry(settings)
	if entry == "" {
		return nil
	}
	name, _, _ := strings.Cut(entry, ".")
	if settings == "" {
		settings = name + ".settings"
	}
	if name == "config" || name == "core" || name == "project" {
		name = filepath.Base(p.dir)
	}
	found := &finding{name: nameFrom(name), what: "Django project", kind: kind, root: p.dir, entry: entry, settings: settings}
	found.noteOtherSettings(p)
	found.findStatic(p, settings)
	return found
}

// djangoEntry returns the callable of a Django project and its kind. The settings name it;
// otherwise it is in wsgi.py next to them or in any package. A project with WebSockets has
// ASGI_APPLICATION, for Channels and similar packages.
func (p *project) djangoEntry(settings string) (modgw.Kind, string) {
	text := p.moduleText(settings)
	if m := asgiApplication.FindStringSubmatch(text); m != nil {
		return modgw.KindASGI, m[1] + ":" + m[2]
	}
	if entry := p.djangoScript(settings, "asgi"); entry != "" && p.servesMore(entry) {
		return modgw.KindASGI, entry
	}
	if m := wsgiApplication.FindStringSubmatch(text); m != nil {
		return modgw.KindWSGI, m[1] + ":" + m[2]
	}
	if entry := p.djangoScript(settings, "wsgi"); entry != "" {
		return modgw.KindWSGI, entry
	}
	return modgw.KindASGI, p.djangoScript(settings, "asgi")
}

// servesMore reports whether the module of an ASGI entry defines another app than Django's own,
// which wsgi.py lacks: a FastAPI API next to Django, or WebSockets.
func (p *project) servesMore(entry string) bool {
	module, _, _ := strings.Cut(entry, ":")
	for _, m := range assignedApplication.FindAllStringSubmatch(p.moduleText(module), -1) {
		if !strings.HasPrefix(m[1], "get_asgi_application(") && !strings.Contains(m[1], "Middleware") {
			return true
		}
	}
	return false
}

// noteOtherSettings notes a settings module in the entry's file that differs from the one in
// manage.py. The one in manage.py is used, because it works on a developer's machine.
func (f *finding) noteOtherSettings(p *project) {
	module, _, _ := strings.Cut(f.entry, ":")
	m := settingsModule.FindStringSubmatch(p.moduleText(module))
	if m != nil && m[1] != f.settings {
		f.note("saw settings %s in %s, not used because manage.py names %s: use them where the public comes", m[1], module, f.settings)
	}
}

// djangoScript is the callable in the wsgi.py or asgi.py of a Django project.
func (p *project) djangoScript(settings, script string) string {
	for at := settings; at != ""; {
		at = parentModule(at)
		if at != "" && p.moduleText(at+"."+script) != "" {
			return at + "." + script + ":application"
		}
	}
	if strings.Contains(p.text(script+".py"), "get_"+script+"_application") {
		return script + ":application" // settings and scripts next to manage.py
	}
	for _, folder := range p.packages("") {
		if strings.Contains(p.text(folder+"/"+script+".py"), "get_"+script+"_application") {
			return folder + "." + script + ":application"
		}
	}
	return ""
}

func parentModule(name string) string {
	at := strings.LastIndexByte(name, '.')
	if at < 0 {
		return ""
	}
	return name[:at]
}
