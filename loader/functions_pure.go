package loader

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Functions that Terraform has in addition to cty's standard library, with the same meaning.

// textFunction makes a text of its parameter.
func textFunction(parameter string, of func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: parameter, Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text, err := of(args[0].AsString())
			if err != nil {
				return cty.UnknownVal(cty.String), function.NewArgError(0, err)
			}
			return cty.StringVal(text), nil
		},
	})
}

func base64Decode(text string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return "", errors.New("it is not Base64")
	case !utf8.Valid(data):
		return "", errors.New("what it encodes is not UTF-8 text")
	}
	return string(data), nil
}

// encoded returns a function that encodes the bytes of a text.
func encoded(encode func([]byte) string) function.Function {
	return textFunction("text", func(text string) (string, error) { return encode([]byte(text)), nil })
}

// hashed returns a function that encodes the hash of a text.
func hashed(newHash func() hash.Hash, encode func([]byte) string) function.Function {
	return encoded(func(text []byte) string {
		h := newHash()
		h.Write(text)
		return encode(h.Sum(nil))
	})
}

// testFunction returns a function that tests a text for another one.
func testFunction(has func(text, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(has(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// listFunction makes one value of the elements of a list, set or tuple.
func listFunction(of cty.Type, result func([]cty.Value) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(of),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !isList(args[0].Type()) {
				return cty.UnknownVal(of), function.NewArgErrorf(0, "it must be a list")
			}
			var list []cty.Value
			for _, v := range args[0].AsValueSlice() {
				element, err := convert.Convert(v, of)
				if err != nil || element.IsNull() {
					return cty.UnknownVal(of), function.NewArgErrorf(0, "each element must be %s", typeName(of))
				}
				list = append(list, element)
			}
			return result(list)
		},
	})
}

func isList(t cty.Type) bool { return t.IsTupleType() || t.IsListType() || t.IsSetType() }

func sum(list []cty.Value) (cty.Value, error) {
	if len(list) == 0 {
		return cty.UnknownVal(cty.Number), function.NewArgErrorf(0, "it must not be empty")
	}
	total := cty.Zero
	for _, v := range list {
		total = total.Add(v)
	}
	return total, nil
}

func allTrue(list []cty.Value) (cty.Value, error) {
	for _, v := range list {
		if v.False() {
			return cty.False, nil
		}
	}
	return cty.True, nil
}

func anyTrue(list []cty.Value) (cty.Value, error) {
	for _, v := range list {
		if v.True() {
			return cty.True, nil
		}
	}
	return cty.False, nil
}

// oneFunction is the only element of a list, or null for an empty one.
var oneFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
	Type: func(args []cty.Value) (cty.Type, error) {
		t := args[0].Type()
		switch {
		case t.IsListType(), t.IsSetType():
			return t.ElementType(), nil
		case !t.IsTupleType():
			return cty.NilType, function.NewArgErrorf(0, "it must be a list")
		case t.Length() == 1:
			return t.TupleElementType(0), nil
		case t.Length() > 1:
			return cty.NilType, errNotOne
		}
		return cty.DynamicPseudoType, nil
	},
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		switch list := args[0].AsValueSlice(); len(list) {
		case 0:
			return cty.NullVal(t), nil
		case 1:
			return list[0], nil
		}
		return cty.UnknownVal(t), errNotOne
	},
})

var errNotOne = function.NewArgErrorf(0, "it must have one element or none")

// indexFunction is the place of a value in a list.
var indexFunction = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "list", Type: cty.DynamicPseudoType},
		{Name: "value", Type: cty.DynamicPseudoType},
	},
	Type: function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if t := args[0].Type(); !t.IsTupleType() && !t.IsListType() {
			return cty.UnknownVal(cty.Number), function.NewArgErrorf(0, "it must be a list")
		}
		for i, v := range args[0].AsValueSlice() {
			if same, err := stdlib.Equal(v, args[1]); err == nil && same.True() {
				return cty.NumberIntVal(int64(i)), nil
			}
		}
		return cty.UnknownVal(cty.Number), function.NewArgErrorf(1, "the list does not have it")
	},
})

// lengthFunction counts the elements of a list or an object, and the characters of a text.
var lengthFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		switch t := args[0].Type(); {
		case t == cty.String:
			return stdlib.Strlen(args[0])
		case t.IsObjectType():
			return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
		case isList(t), t.IsMapType():
			return args[0].Length(), nil
		}
		return cty.UnknownVal(cty.Number), function.NewArgErrorf(0, "it must be a list, an object or a string")
	},
})

// terraformFunctions are the functions of this file by their names.
func terraformFunctions() map[string]function.Function {
	toBase64 := base64.StdEncoding.EncodeToString
	return map[string]function.Function{
		"alltrue":      listFunction(cty.Bool, allTrue),
		"anytrue":      listFunction(cty.Bool, anyTrue),
		"base64decode": textFunction("text", base64Decode),
		"base64encode": encoded(toBase64),
		"base64sha256": hashed(sha256.New, toBase64),
		"base64sha512": hashed(sha512.New, toBase64),
		"endswith":     testFunction(strings.HasSuffix),
		"index":        indexFunction,
		"length":       lengthFunction,
		"md5":          hashed(md5.New, hex.EncodeToString),
		"one":          oneFunction,
		"sha1":         hashed(sha1.New, hex.EncodeToString),
		"sha256":       hashed(sha256.New, hex.EncodeToString),
		"sha512":       hashed(sha512.New, hex.EncodeToString),
		"startswith":   testFunction(strings.HasPrefix),
		"strcontains":  testFunction(strings.Contains),
		"sum":          listFunction(cty.Number, sum),
		"urlencode":    encoded(func(text []byte) string { return url.QueryEscape(string(text)) }),
	}
}
