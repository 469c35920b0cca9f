package loader

import "github.com/zclconf/go-cty/cty"

// block is one kind of block, bound to the variables that get its values. The same table of blocks
// decodes, explains and documents descriptors.
type block struct {
	name     string
	doc      string
	label    string   // meaning of its label; "" if it has none
	repeat   bool     // may be there more than once, with different labels or without any
	presence presence // when it counts
	kind     bool     // an app must have exactly one such block
	either   []string // arguments of which one at most may be set
	needed   bool     // whether one of either must be set
	effect   effect   // the kinds of app that it means something for
	args     []argument
	blocks   []func() block // inner blocks; each call makes one with its own place
	looks    []block        // one of each of blocks, to look at; nil: they are made when asked for

	labelled func(*leaf)   // sets the label; nil: none
	check    func(written) // called then, to report contradictions; nil: none
	done     func()        // called when there was no mistake; nil: nothing to do
}

// presence controls when a block takes effect.
type presence uint8

const (
	// always means that a block that is not written has its defaults.
	always presence = iota

	// whenWritten means that it takes effect only if it is written itself: defaults for it do not
	// affect apps without one.
	whenWritten

	// whenInherited means that it takes effect if it is written, or if the defaults of the host
	// file have it.
	whenInherited
)

// argument is one thing that may be assigned in a block.
type argument struct {
	name     string
	value    value
	def      any    // the default as a Go value; nil: none
	note     string // the default where no value can express it: "number of CPUs"
	required bool
	effect   effect // the kinds of app that it means something for
	keyword  bool   // its value is a word, not an expression
	doc      string
	example  string // HCL of a value that is not the default
}

// value is a form that values have, and the place for one.
type value struct {
	form string // for people: "duration", "list of strings"
	set  func(*leaf)

	// names are variables of this value's expressions in addition to the general ones; nil: none.
	names map[string]cty.Value
}

func (b block) argument(name string) (argument, bool) {
	for _, a := range b.args {
		if a.name == name {
			return a, true
		}
	}
	return argument{}, false
}

// inners returns the inner blocks of b, for inspection, in the order of b.blocks.
func (b block) inners() []block {
	if b.looks != nil {
		return b.looks
	}
	all := make([]block, 0, len(b.blocks))
	for _, open := range b.blocks {
		all = append(all, open())
	}
	return all
}

// inner returns the inner block called name, for inspection.
func (b block) inner(name string) (block, bool) {
	for _, in := range b.inners() {
		if in.name == name {
			return in, true
		}
	}
	return block{}, false
}

func (b block) argumentNames() []string {
	names := make([]string, 0, len(b.args))
	for _, a := range b.args {
		names = append(names, a.name)
	}
	return names
}

func (b block) blockNames() []string {
	names := make([]string, 0, len(b.blocks))
	for _, in := range b.inners() {
		names = append(names, in.name)
	}
	return names
}

// since is the version in which the whole table appeared; the doc of a later argument names its own
// version.
const since = "0.1.0"
