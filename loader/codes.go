package loader

// The codes of diagnostics; each has an entry in troubleshooting.md.
const (
	codeRead       = "MGW-CFG-001" // a file cannot be read
	codeSyntax     = "MGW-CFG-002" // it is not HCL
	codeTooMuch    = "MGW-CFG-003" // it is too large, too deeply nested, or not text
	codeUnknown    = "MGW-CFG-004" // an argument or block that does not exist
	codeValue      = "MGW-CFG-005" // a value of the wrong type, form or range
	codeMissing    = "MGW-CFG-006" // a required argument or label
	codeKind       = "MGW-CFG-007" // no kind of app, or two
	codeSameName   = "MGW-CFG-008" // an app name twice
	codeSameMount  = "MGW-CFG-009" // two apps on the same host and mount
	codeNotThere   = "MGW-CFG-010" // a file or folder that a path names
	codeAddress    = "MGW-CFG-011" // an app name, host, mount or listen address
	codeExpression = "MGW-CFG-012" // an expression that cannot be evaluated
	codeEnvFile    = "MGW-CFG-013" // the env_file
	codeEnvName    = "MGW-CFG-014" // a variable that an app cannot have
	codeTwice      = "MGW-CFG-015" // an argument or block twice, or two that exclude each other
	codeOwner      = "MGW-CFG-016" // a descriptor with settings that its owner may not use
	codeVariable   = "MGW-CFG-017" // a variable without value
	codeDetect     = "MGW-CFG-018" // no app was found in a folder or file
	codeExists     = "MGW-CFG-019" // a descriptor is there already
	codeRoot       = "MGW-CFG-026" // an app with root's rights
	codeOthersHost = "MGW-CFG-025" // a host or mount of another user
	codeAbsent     = "MGW-CFG-028" // a file or folder that may come later
	codeTenant     = "MGW-CFG-030" // a claim that the host file does not allow the owner
	codeCeiling    = "MGW-CFG-031" // a setting above the ceiling of its owner
	codeScript     = "MGW-CFG-029" // a script that the kernel cannot run
	codeNoUser     = "MGW-APP-111" // a user that does not exist, as when the app is deployed
	codeNoEffect   = "MGW-CFG-027" // a setting that means nothing for the app's kind
)
