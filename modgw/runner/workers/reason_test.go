package workers

import "testing"

func TestTheReasonOfAnEndIsFoundInTheOutput(t *testing.T) {
	for output, want := range map[string]string{
		"node:internal/modules/cjs/loader:1146\n  throw err;\n  ^\n\nError: Cannot find module 'express'\nRequire stack:\n" +
			"- /srv/server.js\n    at Module._load (node:internal:1)\n{\n  code: 'MODULE_NOT_FOUND'\n}\n\nNode.js v20.20.2\n": "Error: Cannot find module 'express'",
		"Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'express' imported from /srv/a.mjs\n    at x\n": "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'express' imported from /srv/a.mjs",
		"Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: first\n\nDuring handling …\n\nimport x\n" +
			"ModuleNotFoundError: No module named 'flask'\n": "ModuleNotFoundError: No module named 'flask'",
		"panic: runtime error: index out of range\n\ngoroutine 1 [running]:\n": "panic: runtime error: index out of range",
		"PHP Fatal error: Uncaught Error in x.php:3\n":                         "PHP Fatal error: Uncaught Error in x.php:3",
		"listening\nbye\n": "",
		"":                 "",
	} {
		if got := reasonIn(output); got != want {
			t.Errorf("%q: %q, want %q", output, got, want)
		}
	}
}
