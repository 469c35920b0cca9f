package fastcgi

import (
	"io"
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/webfiles"
)

// sourceSuffixes are the name endings of files that scripts read and browsers should not: included
// code, templates, settings and databases.
var sourceSuffixes = []string{
	".inc", ".module", ".install", ".engine", ".theme", ".profile", ".make", ".twig", ".tpl", ".latte", ".blade",
	".sh", ".sql", ".sqlite", ".sqlite3", ".db", ".ini", ".conf", ".cfg", ".yml", ".yaml", ".toml", ".neon", ".lock", ".log",
	".key", ".pem", ".hcl",
}

// sourceNames are the names of files that describe how a project is built.
var sourceNames = []string{
	"composer.json", "composer.phar", "package.json", "package-lock.json", "web.config", "makefile", "dockerfile",
}

// isSource reports whether a file among the scripts is not meant for browsers.
func isSource(name string) bool {
	base := strings.ToLower(path.Base(name))
	return slices.Contains(sourceNames, base) ||
		slices.ContainsFunc(sourceSuffixes, func(suffix string) bool { return strings.HasSuffix(base, suffix) })
}

// maxAccessFile bounds how much of an .htaccess is read.
const maxAccessFile = 64 << 10

// isDenied reports whether an .htaccess in a folder on the way to name denies everybody access, as
// many PHP programs protect their data and their code with. Nothing else of these files is obeyed.
func isDenied(root files.Root, name string) bool {
	folder := ""
	for segment := range strings.SplitSeq("./"+strings.Trim(name, "/"), "/") {
		folder = path.Join(folder, segment)
		if deniesAll(root, path.Join(folder, ".htaccess")) {
			return true
		}
	}
	return false
}

func deniesAll(root files.Root, name string) bool {
	file, err := root.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxAccessFile))
	return err == nil && denies(string(text))
}

// denies reports whether the text of an .htaccess denies everybody access to the whole folder:
// "Require all denied", or "Deny from all" of Apache 2.2, outside of sections that mean single
// files or methods. Sections that ask for modules count as if all were there.
func denies(text string) bool {
	depth := 0 // in sections that do not mean the whole folder
	for line := range strings.Lines(text) {
		words := strings.Fields(strings.ToLower(line))
		if len(words) == 0 {
			continue
		}
		switch section := strings.Trim(words[0], "<>"); {
		case strings.HasPrefix(words[0], "</if"), strings.HasPrefix(words[0], "<if") && section != "if":
			// <IfModule>, <IfVersion> and <IfDefine>
		case strings.HasPrefix(words[0], "</"):
			depth = max(depth-1, 0)
		case strings.HasPrefix(words[0], "<"):
			depth++
		case depth == 0 && slices.Equal(words, []string{"require", "all", "denied"}),
			depth == 0 && slices.Equal(words, []string{"deny", "from", "all"}):
			return true
		}
	}
	return false
}

// publicSite returns the site that serves the files among the scripts.
func publicSite(s *scripts, site webfiles.Site) *webfiles.Site {
	site.Folder, site.Hide = s.folder, isSource
	return &site
}
