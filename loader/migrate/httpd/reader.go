package httpd

import (
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
)

// Reader reads configurations of Apache.
type Reader struct{}

// Name returns the name of the format.
func (Reader) Name() string { return "Apache configuration" }

// templates are the syntaxes of templates that no configuration of Apache can have for anything
// else. ${NAME} is Apache's own.
var templates = []migrate.Syntax{
	migrate.Braces, migrate.ERB, migrate.At, migrate.Percents, migrate.Format, migrate.Brace, migrate.Shell,
	migrate.Brackets, migrate.Dunder,
}

var (
	// ours matches a line that no other format has.
	ours = lazyregexp.New(`(?mi)^\s*(?:WSGI[A-Za-z]+\s+\S|Passenger[A-Z][A-Za-z]+\s+\S|</?(?:VirtualHost|Directory|DirectoryMatch|Location|` +
		`LocationMatch|FilesMatch|IfModule|IfDefine|IfVersion|Macro)\b|LoadModule\s+\S+\s+\S+|(?:Script|)Alias(?:Match)?\s+\S+\s+\S+\s*$|` +
		`(?:RewriteRule|RewriteCond|RewriteEngine|DocumentRoot|ServerRoot|ErrorLog|CustomLog|IncludeOptional|ProxyPass|SetHandler|` +
		`AddHandler|ServerName|ServerAlias|Listen|Include|Require|Define|Use|AllowOverride)\s+\S)`)

	// foreign matches a line that Apache cannot read.
	foreign = lazyregexp.New(`(?m)^\s*(?:\[[A-Za-z][\w:. -]*\]\s*$|(?:from\s+\S+\s+)?import\s|def\s+\w+\(|[a-z][\w-]*\s*=\s*\S|[{}]\s*$|FROM\s+\S+\s*$|#!\s*/)`)
)

// Recognise counts the lines that only Apache reads and those that it cannot read.
func (Reader) Recognise(s migrate.Source) int {
	known := len(ours.FindAllString(s.Text, -1))
	strange := len(foreign.FindAllString(s.Text, -1))
	switch {
	case known == 0 || strange > known:
		return 0
	case strings.Contains(s.Text, "WSGIScriptAlias") || strings.Contains(s.Text, "<VirtualHost"):
		return 90
	case strange == 0:
		return 70
	}
	return 30
}

// Read puts a configuration into the plan.
func (Reader) Read(s migrate.Source, plan *migrate.Plan) {
	w := newWalker(plan, s.Path)
	w.environment(s)
	top := w.file(w.ready(s), context{host: w.server})
	c := newConfiguration(w, top)
	c.translate()
	c.emit()
	w.report.write()
}
