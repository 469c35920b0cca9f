package manual

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// mostBooleans is how many boolean fields a struct may have. A struct that needs more has states.
const mostBooleans = 4

// moreBooleans lists the files that have a struct with more of them, and how many these have.
var moreBooleans = map[string]int{
	"modgw/runner/python/mux/stream.go": 5,
	"modgw/runner/python/wsgi/conn.go":  5,
}

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
		tree, err := parsed(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and git does not know it yet
		}
		if err != nil {
			t.Error(err)
			continue
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if s, ok := n.(*ast.StructType); ok && booleansOf(s) > max(mostBooleans, moreBooleans[file]) {
				t.Errorf("%s: a struct has %d booleans; write a type with its states instead", file, booleansOf(s))
			}
			return true
		})
	}
}

// booleansOf counts the boolean fields of a struct, including atomic ones.
func booleansOf(s *ast.StructType) (n int) {
	for _, field := range s.Fields.List {
		var isBool bool
		switch kind := field.Type.(type) {
		case *ast.Ident:
			isBool = kind.Name == "bool"
		case *ast.SelectorExpr:
			isBool = kind.Sel.Name == "Bool"
		}
		if isBool {
			n += max(1, len(field.Names))
		}
	}
	return n
}

// parsed returns the tree of a file of Go. Tests share it, because parsing takes long under the
// race detector.
func parsed(path string) (*ast.File, error) {
	trees.Lock()
	defer trees.Unlock()
	if tree := trees.of[path]; tree != nil {
		return tree, nil
	}
	tree, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err == nil {
		trees.of[path] = tree
	}
	return tree, err
}

var trees = struct {
	sync.Mutex
	of map[string]*ast.File
}{of: map[string]*ast.File{}}
