package loader

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
)

var (
	staticRoot    = lazyregexp.New(`(?m)^STATIC_ROOT\s*(?::[^=\n]*)?=\s*(.+)$`)
	staticURL     = lazyregexp.New(`(?m)^STATIC_URL\s*(?::[^=\n]*)?=\s*['"]([^'"\n]*)['"]`)
	folderName    = lazyregexp.New(`\b[A-Z][A-Z_]*\b`)
	starImport    = lazyregexp.New(`(?m)^\s*from\s+\.(\w+)\s+import\s+\*`)
	stringLiteral = lazyregexp.New(`['"]([^'"\n]*)['"]`)
	pathParents   = lazyregexp.New(`\.parents\[(\d)\]`)
	plainFolder   = lazyregexp.New(`^(?:str\()?(?:([A-Z][A-Z_]*)\s*/\s*['"]|os\.path\.join\(\s*([A-Z][A-Z_]*)\s*,|(?:Path\()?['"])`)
	urlAsFolder   = lazyregexp.New(`\bSTATIC_URL(?:\.l?strip\(['"]/['"]\))?`)
)

// settingsText returns the text of a settings module, with the modules next to it from which it
// imports everything.
func (p *project) settingsText(settings string) string {
	text := p.moduleText(settings)
	for _, m := range starImport.FindAllStringSubmatch(text, -1) {
		text += "\n" + p.moduleText(parentModule(settings)+"."+m[1])
	}
	return text
}

// findStatic finds the static files of a Django project. Only STATIC_ROOT, into which collectstatic
// copies them, is a folder to serve: those of STATICFILES_DIRS lack the files of installed apps.
func (f *finding) findStatic(p *project, settings string) {
	text := p.settingsText(settings)
	if !strings.Contains(text, "django.contrib.staticfiles") {
		return
	}
	m := staticRoot.FindStringSubmatch(text)
	switch {
	case m == nil:
		f.note("STATIC_ROOT is not set, so only dev serves the static files: set it, and add build { } and an alias for it")
		return
	case !p.has("manage.py"):
		return
	}
	dir := p.folderIn(m[1], text, settings)
	if dir == "" {
		f.note("saw STATIC_ROOT = %s, not used because it may be a folder of sources or one elsewhere: add build { } and an alias for it",
			strings.TrimSpace(m[1]))
		return
	}
	f.build = []string{"python", "manage.py", "collectstatic", "--noinput"}
	f.inputs = staticSources(dir)
	if strings.Contains(text, "whitenoise") {
		f.note("saw WhiteNoise, which serves STATIC_ROOT itself: there is no alias for it")
		return
	}
	url := "/static/"
	if m := staticURL.FindStringSubmatch(text); m != nil {
		url = m[1]
	}
	if strings.Contains(url, "://") || strings.Trim(url, "/") == "" {
		f.note("saw STATIC_URL = %q, not used because it is no path of its own here", url)
		return
	}
	if relative, ok := strings.CutPrefix(url, "/"); ok {
		f.note("below a mount, STATIC_URL must be %q, or have the mount: %q", relative, "/the/mount"+url)
	}
	f.alias, f.static = "/"+strings.Trim(url, "/"), dir
}

// staticSources are globs of the usual folders that collectstatic copies from, without those that
// it writes to; dir is STATIC_ROOT.
func staticSources(dir string) (globs []string) {
	for _, glob := range []string{"static/**", "*/static/**"} {
		folder := strings.TrimSuffix(glob, "/**")
		writes := false
		for at := dir; at != "." && at != "/"; at = filepath.Dir(at) {
			if matched, err := filepath.Match(folder, at); err != nil || matched {
				writes = true
			}
		}
		if !writes {
			globs = append(globs, glob)
		}
	}
	return globs
}

// folderIn is the folder that an expression of settings means, relative to the project when it is
// below it; "" when it takes more than reading to know.
func (p *project) folderIn(expression, text, settings string) string {
	if m := staticURL.FindStringSubmatch(text); m != nil {
		folder := `"` + strings.Trim(m[1], "/") + `"`
		expression = urlAsFolder.ReplaceAllStringFunc(expression, func(string) string { return folder })
	}
	plain := plainFolder.FindStringSubmatch(expression)
	if plain == nil {
		return ""
	}
	above := plain[1] + plain[2] // BASE_DIR and its like; "" for a folder by its whole name
	var names []string
	for _, m := range stringLiteral.FindAllStringSubmatch(expression, -1) {
		names = append(names, m[1])
	}
	dir := filepath.Join(names...)
	if dir == "." || !filepath.IsAbs(dir) && !filepath.IsLocal(dir) {
		return "" // the sources themselves, or a folder above them
	}
	if filepath.IsAbs(dir) || above == "" {
		return dir
	}
	up, ok := levelsUp(above, text, 0)
	if depth := strings.Count(settings, ".") + 1; !ok || up > depth {
		return "" // it is not known, or above the project
	}
	// The file of the settings exists, and others are next to it.
	folder := strings.ReplaceAll(settings, ".", "/")
	for range up {
		folder = filepath.Dir(folder)
	}
	return filepath.Join(folder, dir)
}

// levelsUp returns the number of folders above its file to which a variable of settings leads;
// false if that cannot be determined.
func levelsUp(name, text string, depth int) (up int, ok bool) {
	m := regexp.MustCompile(`(?m)^(?:\w+\s*=\s*)*` + name + `\s*(?::[^=\n]*)?=\s*(?:\w+\s*=\s*)*(.+)$`).FindStringSubmatch(text)
	if m == nil || depth > 5 {
		return 0, false
	}
	up = strings.Count(m[1], ".parent") + strings.Count(m[1], "dirname(")
	if n := pathParents.FindStringSubmatch(m[1]); n != nil {
		up = int(n[1][0]-'0') + 1
	}
	if strings.Contains(m[1], "__file__") {
		return up, true
	}
	from := folderName.FindString(m[1])
	if from == "" {
		return 0, false
	}
	more, ok := levelsUp(from, text, depth+1)
	return up + more, ok
}
