package manual

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"strings"
	"testing"
)

// mostBooleans is how many boolean fields a struct may have. A struct that needs more has states.
const mostBooleans = 4

func TestStructsHaveStatesInPlaceOfManyBooleans(t *testing.T) {
	t.Parallel()
	files, err := exec.Command("git", "ls-files", "*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	for file := range strings.FieldsSeq(string(files)) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and git does not know it yet
		}
		if err != nil {
			t.Error(err)
			continue
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if s, ok := n.(*ast.StructType); ok && booleansOf(s) > mostBooleans {
				t.Errorf("%s: a struct has %d booleans; write a type with its states instead", file, booleansOf(s))
			}
			return true
		})
	}
}

// booleansOf counts the boolean fields of a struct.
func booleansOf(s *ast.StructType) (n int) {
	for _, field := range s.Fields.List {
		if name, ok := field.Type.(*ast.Ident); ok && name.Name == "bool" {
			n += max(1, len(field.Names))
		}
	}
	return n
}
