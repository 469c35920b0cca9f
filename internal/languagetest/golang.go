package languagetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// fragment matches the beginning of incomplete sentences: "of WebSockets", "that is left".
var fragment = regexp.MustCompile(
	`^(?:also|as above|of|that|the same|what|where|which|who|whom|whose|(?:by|from|in|of|on|to|with) (?:which|whom|what))\b`)

// ofInterfaces are methods that packages of the standard library document.
var ofInterfaces = []string{
	"Accept", "Addr", "Close", "Error", "Flush", "Format", "Header", "Is", "Len", "Less", "LocalAddr", "LogValue",
	"MarshalJSON", "MarshalText", "Network", "Read", "ReadFrom", "RemoteAddr", "ServeHTTP", "SetDeadline",
	"SetReadDeadline", "SetWriteDeadline", "String", "Swap", "UnmarshalJSON", "UnmarshalText", "Unwrap", "Write",
	"WriteHeader", "WriteString", "WriteTo",
}

// goChecker checks one file of Go.
type goChecker struct {
	*checker
	line func(token.Pos) int
}

// golang checks the rules that require parsing Go.
func (c *checker) golang(text string) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, c.file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	g := goChecker{c, func(at token.Pos) int { return files.Position(at).Line }}
	g.comments(file, text)
	g.fragments(file)
	if !strings.HasSuffix(c.file, "_test.go") && file.Name.Name != "main" {
		g.exported(file)
	}
	return nil
}

// comments finds vague words in comments, and the lines with a comment that are too long.
// Directives cannot be broken.
func (g goChecker) comments(file *ast.File, text string) {
	commented := map[int]bool{}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			g.vague(g.line(comment.Pos()), comment.Text)
			for line := g.line(comment.Pos()); line <= g.line(comment.End()); line++ {
				commented[line] = !strings.HasPrefix(comment.Text, "//go:")
			}
		}
	}
	g.columns(text, func(number int, _ string) bool { return commented[number] })
}

// fragments finds incomplete sentences in the comments of struct fields.
func (g goChecker) fragments(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range s.Fields.List {
			for _, group := range []*ast.CommentGroup{field.Doc, field.Comment} {
				if text := strings.TrimSpace(group.Text()); fragment.MatchString(text) {
					first, _, _ := strings.Cut(text, "\n")
					g.add(g.line(group.Pos()), Fragments, first)
				}
			}
		}
		return true
	})
}

// exported finds the exported names without a comment: functions, methods of exported types,
// types, their fields and methods, constants and variables.
func (g goChecker) exported(file *ast.File) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || ast.IsExported(receiver(d)) && !slices.Contains(ofInterfaces, d.Name.Name) {
				g.documented(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				g.spec(spec, d.Doc)
			}
		}
	}
}

// spec checks a part of a declaration. A comment above a group covers all constants and variables
// in the group.
func (g goChecker) spec(spec ast.Spec, above *ast.CommentGroup) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range s.Names {
			g.documented(name, above, s.Doc, s.Comment)
		}
	case *ast.TypeSpec:
		g.documented(s.Name, above, s.Doc, s.Comment)
		if !s.Name.IsExported() {
			return
		}
		switch t := s.Type.(type) {
		case *ast.StructType:
			g.members(t.Fields)
		case *ast.InterfaceType:
			g.members(t.Methods)
		}
	}
}

// members checks fields of a struct and methods of an interface. A comment above a member also
// covers the members on the lines directly below.
func (g goChecker) members(list *ast.FieldList) {
	var above *ast.CommentGroup
	last := -1
	for _, field := range list.List {
		if field.Doc != nil || g.line(field.Pos()) != last+1 {
			above = field.Doc
		}
		last = g.line(field.End())
		for _, name := range field.Names {
			if !slices.Contains(ofInterfaces, name.Name) {
				g.documented(name, above, field.Comment)
			}
		}
	}
}

func (g goChecker) documented(name *ast.Ident, comments ...*ast.CommentGroup) {
	if name.IsExported() && !slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c != nil }) {
		g.add(g.line(name.Pos()), Undocumented, name.Name)
	}
}

// receiver returns the name of the type that a method belongs to.
func receiver(method *ast.FuncDecl) string {
	expression := method.Recv.List[0].Type
	for {
		switch e := expression.(type) {
		case *ast.StarExpr:
			expression = e.X
		case *ast.IndexExpr:
			expression = e.X
		case *ast.IndexListExpr:
			expression = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}
