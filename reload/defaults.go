package reload

import (
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// templates are loaded once and kept by Django, Jinja and the other engines, so that users see a
// change only after a reload. The same holds for message catalogues and .env files.
var templates = []string{
	"**/templates/**", "**/jinja2/**", "**/*.{jinja,jinja2,j2,mako,mak,tmpl,tpl,pt,djhtml,chameleon,genshi}", "**/*.mo",
	".env", ".env.*",
}

var pythonCode = append([]string{"**/*.{py,wsgi,asgi,so}"}, templates...)

var goCode = append([]string{"**/*.{go,s,c,h,gotmpl,gohtml,templ}"}, templates...)

// programCode has the suffixes of the usual languages and of the templates that their frameworks
// keep.
var programCode = append([]string{
	"**/*.{js,mjs,cjs,ts,tsx,jsx,py,rb,ru,pl,pm,psgi,php,lua,ex,exs,jar}",
	"**/*.{ejs,pug,jade,hbs,handlebars,mustache,njk,nunjucks,liquid,eta,vto,erb,haml,slim,ep,tt,tt2,tx,twig,latte,eex,heex,leex}",
	"**/views/**",
}, templates...)

// notBuilt is a pattern of files with a suffix of code that no program of the kind is built from;
// "" for none.
func notBuilt(kind modgw.Kind) string {
	if kind == modgw.KindGo {
		return "{**/*_test.go,**/testdata/**}"
	}
	return ""
}

// codeOf are the globs of the files that a program of the app's kind is made from. Scripts that
// run once for each request, static files and programs of other servers need no reload.
func codeOf(d modgw.Descriptor) []string {
	switch d.Kind {
	case modgw.KindWSGI, modgw.KindASGI:
		return append(append([]string{}, pythonCode...), codeElsewhere(d)...)
	case modgw.KindGo:
		return append([]string{}, goCode...)
	case modgw.KindHTTP:
		return append(append([]string{}, programCode...), codeElsewhere(d)...)
	case modgw.KindFastCGI:
		if d.FastCGI.Connect == "" && d.FastCGI.Scripts(d.Root) == "" {
			return append(append([]string{}, programCode...), codeElsewhere(d)...)
		}
	}
	return nil
}

// codeElsewhere are the globs of the code in folders outside the root that Python imports from.
func codeElsewhere(d modgw.Descriptor) (code []string) {
	for _, dir := range d.Python.Path {
		if filepath.IsAbs(files.Relative(d.Root, dir)) {
			code = append(code, Escape(dir)+"/**/*.py")
		}
	}
	return code
}

// dependencyFiles returns the names below the root that can affect the contents of an environment,
// whether they exist now or not.
func dependencyFiles(d modgw.Descriptor) []string {
	switch {
	case d.UsesPython():
		return []string{"requirements.txt", "pyproject.toml", "uv.lock", "pylock.toml", "poetry.lock", "pdm.lock",
			"Pipfile", "Pipfile.lock", "setup.py", "setup.cfg", ".python-version"}
	case d.Kind == modgw.KindGo:
		return []string{"go.mod", "go.sum", "go.work"}
	case d.Kind == modgw.KindHTTP:
		return []string{"package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock"}
	}
	return nil
}

// skippedFolders are never descended into: version control, caches, environments and packages of
// others. Other folders with a leading dot are left out by the rule for hidden names.
var skippedFolders = map[string]bool{
	".git": true, ".hg": true, ".svn": true, ".bzr": true, ".jj": true, "CVS": true, "_darcs": true,
	"__pycache__": true, "__pypackages__": true, ".venv": true, "venv": true, ".tox": true, ".nox": true,
	"site-packages": true, "node_modules": true, "bower_components": true, "htmlcov": true,
}

// vimSwap matches the names of vim's swap files: .app.py.swp, and .app.py.swo when that is taken.
var vimSwap = lazyregexp.New(`^\.(.*\.)?sw.$`)

// isSkippedFile reports whether name is a temporary file of editors, compilers and copying
// programs.
func isSkippedFile(name string) bool {
	switch {
	case strings.HasPrefix(name, ".#"), strings.HasPrefix(name, "flycheck_"): // emacs
	case strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#"): // emacs
	case strings.HasSuffix(name, "~"), name == "4913": // vim
	case vimSwap.MatchString(name):
	case strings.Contains(name, "___jb_"): // JetBrains
	case strings.HasPrefix(name, ".goutputstream-"), strings.HasPrefix(name, ".nfs"), name == ".DS_Store":
	case strings.HasSuffix(name, ".pyc"), strings.HasSuffix(name, ".pyo"):
	default:
		return false
	}
	return true
}
