package venv

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// toolError is the unsuccessful end of one program of a build.
type toolError struct {
	program string
	err     error
}

func (e *toolError) Error() string { return exitText(e.program, e.err).Error() }
func (e *toolError) Unwrap() error { return e.err }

// complaint is a message of a failed pip or uv, and the error that it means.
type complaint struct {
	says    *lazyregexp.Regexp
	code    string
	summary string // with the app's name
	hint    string
}

// pythonComplaints are tried in this order, because a full disk or a dead index causes further
// messages of pip.
var pythonComplaints = []complaint{
	{
		lazyregexp.New(`(?i)no space left on device|disk quota exceeded|errno 28\b`),
		"MGW-ENV-013", "cannot install the packages of app %q: the disk is full",
		"make room in the state folder's file system, then reload",
	},
	{
		lazyregexp.New("(?i)lockfile .*needs to be updated"),
		"MGW-ENV-025", "cannot install the packages of app %q: the lock is older than what it was made from",
		"run uv lock (uv lock --script FILE), and put the new lock beside the file",
	},
	{
		lazyregexp.New(`(?i)do not match the hashes|hash mismatch|hashes are required|--require-hashes mode|` +
			`have a hash|missing hash`),
		"MGW-ENV-014", "cannot install the packages of app %q: a hash is missing or does not match",
		"rewrite the requirements (pip-compile --generate-hashes, uv pip compile --generate-hashes); " +
			"a package that changed under its version was tampered with or built again",
	},
	{
		lazyregexp.New(`(?i)connection refused|failed to establish a new connection|name or service not known|` +
			`temporary failure in name resolution|network is unreachable|no route to host|connection (aborted|reset)|` +
			`connect ?timeout|read timed out|timed out|error sending request|failed to fetch|dns error|` +
			`certificate_verify_failed|certificate verify failed|50[0234] (server|client) error|proxyerror|` +
			`could not fetch url|connecttimeouterror|too many 50\d error`),
		"MGW-ENV-012", "cannot install the packages of app %q: the package index cannot be reached",
		"look at network, proxy, certificates and PIP_INDEX_URL or UV_INDEX_URL of the host, then reload",
	},
	{
		lazyregexp.New(`(?i)resolutionimpossible|conflicting dependencies|conflicts with|` +
			`requirements are unsatisfiable|double requirement given`),
		"MGW-ENV-011", "cannot install the packages of app %q: the requirements contradict each other or cannot be met",
		"loosen one of the requirements that are named above",
	},
	{
		lazyregexp.New(`(?i)no matching distribution|could not find a version|was not found in the (package registry|` +
			`provided package locations)|there (is|are) no versions? of|not found in the package registry|no solution found`),
		"MGW-ENV-011", "cannot install the packages of app %q: no package fits a requirement",
		"look for a misspelt name or a version that does not exist, or that does not exist for this Python",
	},
	{
		lazyregexp.New(`(?i)egg-info': permission denied|permission denied: '\S*egg-info`),
		"MGW-ENV-019", "cannot install the packages of app %q: its user may not write beside its own project, as setuptools does",
		"use hatchling or uv_build as the build system, which write nothing; or take [build-system] out of pyproject.toml, so " +
			"that it is a list of dependencies, and set python.path to where the code is",
	},
	{
		lazyregexp.New(`(?i)failed to build|failed-wheel-build|metadata-generation-failed|subprocess-exited-with-error|` +
			`build backend (returned an error|failed)|command .* failed|python setup\.py|python\.h: no such file`),
		"MGW-ENV-019", "cannot install the packages of app %q: a package could not be built from its source",
		"install its compiler and headers (apt install build-essential python3-dev), " +
			"or ask for a version that has a wheel for this Python",
	},
	{
		lazyregexp.New(`(?i)invalid requirement|couldn't parse requirement|failed to parse|expected one of`),
		"MGW-ENV-006", "cannot install the packages of app %q: a requirement is not written as it should be",
		"see the line that is named above",
	},
}

// fault makes the error of a failed program from its complaint. code and summary are for a failure
// without a known complaint.
func (c *construction) fault(complaints []complaint, code, summary string, err error) error {
	p, output := c.plan, c.printed.tail()
	switch {
	case isDiskFull(err):
		return p.diskFull(err, output)
	case isOutOfMemory(output):
		return p.outOfMemory(err, output)
	case wasKilled(err):
		return &modgw.Fault{
			Code:    "MGW-ENV-020",
			Summary: fmt.Sprintf("cannot build the environment of app %q: the build was killed", p.descriptor.Name),
			Output:  output, Err: err,
			Hint: "often the kernel did that because memory ran out; look at dmesg, then reload",
		}
	}
	for _, known := range complaints {
		if known.says.MatchString(output) {
			return &modgw.Fault{
				Code: known.code, Summary: fmt.Sprintf(known.summary, p.descriptor.Name),
				Output: output, Hint: known.hint, Err: err,
			}
		}
	}
	return &modgw.Fault{Code: code, Summary: fmt.Sprintf(summary, p.descriptor.Name), Output: output, Err: err}
}

func (p *plan) diskFull(err error, output string) error {
	return &modgw.Fault{
		Code:    "MGW-ENV-013",
		Summary: fmt.Sprintf("cannot build the environment of app %q: the disk is full", p.descriptor.Name),
		Output:  output, Err: err,
		Hint: "make room in the state folder's file system, then reload",
	}
}

func (p *plan) outOfMemory(err error, output string) error {
	return &modgw.Fault{
		Code:    "MGW-ENV-032",
		Summary: fmt.Sprintf("cannot build the environment of app %q: a program of the build got no more memory", p.descriptor.Name),
		Output:  output, Err: err,
		Hint: fmt.Sprintf("each may have %d MiB; more with limits { build_memory = … }", p.limits().Memory>>20),
	}
}

// memoryComplaint matches messages of Python, compilers, linkers, npm and uv about a lack of
// memory.
var memoryComplaint = lazyregexp.New(`(?m)^\s*MemoryError\b|(?i)cannot allocate memory|virtual memory exhausted|std::bad_alloc|` +
	`memory exhausted|out of memory|memory allocation of \d+ bytes failed`)

func isOutOfMemory(output string) bool { return memoryComplaint.MatchString(output) }

func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
