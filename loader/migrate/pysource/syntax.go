package pysource

// expression is a node of an expression. A nil expression is one that was left out.
type expression any

type (
	literal struct{ value Value } // a string, number, True, False, None or ...

	name struct{ text string }

	attribute struct {
		of   expression
		name string
	}

	call struct {
		function expression
		args     []argument
	}

	argument struct {
		name  string // keyword; empty for a positional argument
		stars int    // 1 for *args, 2 for **kwargs
		value expression
	}

	subscript struct {
		of, index expression
	}

	sliceIndex struct{ low, high, step expression }

	unary struct {
		operator string
		of       expression
	}

	// binary is an operation of two expressions, or one of a chain of comparisons.
	binary struct {
		operator    string
		left, right expression
	}

	// comparison is a chain: 1 < x < 3.
	comparison struct {
		first     expression
		operators []string
		others    []expression
	}

	conditional struct{ condition, then, otherwise expression }

	sequence struct {
		items []expression
		tuple bool
	}

	dictionary struct{ keys, values []expression } // a nil key: ** of the value

	starred struct{ of expression }

	// comprehension makes a list of items, or a dictionary when key is not nil.
	comprehension struct {
		key, item expression
		clauses   []clause
	}

	// clause is "for target in of", or "if of" when target is nil.
	clause struct{ target, of expression }

	walrus struct {
		name string
		of   expression
	}

	// formatted is an f-string; its parts are literals and fields.
	formatted struct{ parts []expression }

	field struct {
		of           expression
		conversion   string // r, s or a
		format       *formatted
		selfDescribe string // the text of the field when it ends with =
	}

	joined struct{ parts []expression } // adjacent strings

	function struct {
		name    string // empty for lambda
		params  []parameter
		body    []statement
		returns expression // body of lambda
		opaque  string     // why it is not followed; empty when it is
	}

	parameter struct {
		name      string
		otherwise expression
		stars     int
	}

	// opaque is an expression that is never followed, such as await and yield.
	opaque struct{ reason string }
)

// statement is a statement with its first line.
type statement struct {
	line int
	node any
}

type (
	assignment struct {
		targets  []expression
		operator string // "+" for "+="; empty for "="
		value    expression
	}

	expressionStatement struct{ value expression }

	importStatement struct {
		module string // empty for "import x", else that of "from x import"
		names  []importedName
	}

	importedName struct{ name, as string }

	ifStatement struct {
		condition       expression
		then, otherwise []statement
	}

	forStatement struct {
		target, of      expression
		body, otherwise []statement
	}

	whileStatement struct {
		condition       expression
		body, otherwise []statement
	}

	tryStatement struct {
		body, otherwise, finally []statement
		handlers                 [][]statement
	}

	withStatement struct {
		items []withItem
		body  []statement
	}

	withItem struct{ of, as expression }

	definition struct{ function *function }

	classDefinition struct{ name string }

	returnStatement struct{ value expression }

	deletion struct{ targets []expression }

	execStatement struct{ of expression } // Python 2: exec code in globals

	assertion struct{ of expression }

	raising struct{}

	jump struct{ keyword string } // break, continue

	// empty has no relevant effect: pass, global, print.
	empty struct{}

	// unfollowed is a statement that is read and not followed.
	unfollowed struct{ reason string }

	// broken could not be read, which the parser notes.
	broken struct{}
)
