package loader

import (
	"maps"
	"path/filepath"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// tools are the functions that are the same for every file, with the budget that they draw on.
// Making them takes longer than most descriptors do, so files that are loaded one after the other
// share them. Files that are loaded at the same time must not.
type tools struct {
	budget    *budget
	functions map[string]function.Function
	roots     map[[2]string]bool // known answers: whether a user with a group has root's rights
}

func newTools() *tools {
	t := &tools{budget: new(budget), functions: pureFunctions(), roots: map[[2]string]bool{}}
	maps.Copy(t.functions, terraformFunctions())
	for name, f := range t.functions {
		t.functions[name] = t.budget.bound(name, f)
	}
	t.functions[pay] = t.budget.payFunction()
	// The arguments of these are expressions.
	t.functions["try"], t.functions["can"] = tryfunc.TryFunc, tryfunc.CanFunc
	return t
}

// table is every function that a descriptor can call. All give the same result for the same files
// and variables: one that did not, such as a clock or random numbers, would make every load look
// like a change.
func (s *scope) table() map[string]function.Function {
	all := maps.Clone(s.opts.tools.functions)
	for name, f := range map[string]function.Function{
		"env":        s.envFunction(),
		"file":       textFunction("path", s.textOf),
		"secret":     s.secretFunction(),
		"fileset":    s.filesetFunction(),
		"fileexists": s.fileExistsFunction(),
		"abspath":    pathFunction(s.absolute),
		"basename":   pathFunction(filepath.Base),
		"dirname":    pathFunction(filepath.Dir),
	} {
		all[name] = s.opts.tools.budget.bound(name, f)
	}
	return all
}

// pureFunctions look at nothing but their arguments.
func pureFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abs":             stdlib.AbsoluteFunc,
		"ceil":            stdlib.CeilFunc,
		"chomp":           stdlib.ChompFunc,
		"chunklist":       stdlib.ChunklistFunc,
		"coalesce":        stdlib.CoalesceFunc,
		"coalescelist":    stdlib.CoalesceListFunc,
		"compact":         stdlib.CompactFunc,
		"concat":          stdlib.ConcatFunc,
		"contains":        stdlib.ContainsFunc,
		"csvdecode":       stdlib.CSVDecodeFunc,
		"distinct":        stdlib.DistinctFunc,
		"element":         stdlib.ElementFunc,
		"flatten":         stdlib.FlattenFunc,
		"floor":           stdlib.FloorFunc,
		"format":          boundedFormat(stdlib.FormatFunc),
		"formatdate":      stdlib.FormatDateFunc,
		"formatlist":      boundedFormat(stdlib.FormatListFunc),
		"indent":          stdlib.IndentFunc,
		"int":             stdlib.IntFunc,
		"join":            stdlib.JoinFunc,
		"jsondecode":      stdlib.JSONDecodeFunc,
		"jsonencode":      stdlib.JSONEncodeFunc,
		"keys":            stdlib.KeysFunc,
		"log":             stdlib.LogFunc,
		"lookup":          stdlib.LookupFunc,
		"lower":           stdlib.LowerFunc,
		"max":             stdlib.MaxFunc,
		"merge":           stdlib.MergeFunc,
		"min":             stdlib.MinFunc,
		"parseint":        stdlib.ParseIntFunc,
		"pow":             stdlib.PowFunc,
		"range":           stdlib.RangeFunc,
		"regex":           stdlib.RegexFunc,
		"regexall":        stdlib.RegexAllFunc,
		"regexreplace":    stdlib.RegexReplaceFunc,
		"replace":         stdlib.ReplaceFunc,
		"reverse":         stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc,
		"setproduct":      stdlib.SetProductFunc,
		"setsubtract":     stdlib.SetSubtractFunc,
		"setunion":        stdlib.SetUnionFunc,
		"signum":          stdlib.SignumFunc,
		"slice":           stdlib.SliceFunc,
		"sort":            stdlib.SortFunc,
		"split":           stdlib.SplitFunc,
		"strlen":          stdlib.StrlenFunc,
		"strrev":          stdlib.ReverseFunc,
		"substr":          stdlib.SubstrFunc,
		"timeadd":         stdlib.TimeAddFunc,
		"title":           stdlib.TitleFunc,
		"tobool":          stdlib.MakeToFunc(cty.Bool),
		"tolist":          stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
		"tomap":           stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"tonumber":        stdlib.MakeToFunc(cty.Number),
		"toset":           stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
		"tostring":        stdlib.MakeToFunc(cty.String),
		"trim":            stdlib.TrimFunc,
		"trimprefix":      stdlib.TrimPrefixFunc,
		"trimspace":       stdlib.TrimSpaceFunc,
		"trimsuffix":      stdlib.TrimSuffixFunc,
		"upper":           stdlib.UpperFunc,
		"values":          stdlib.ValuesFunc,
		"zipmap":          stdlib.ZipmapFunc,
	}
}
