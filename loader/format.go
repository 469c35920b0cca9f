package loader

import (
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/modgw/modgw/internal/account"
)

// Format returns src in the usual layout; filename is for messages. A file that is not HCL is
// returned unchanged, and the diagnostics report why.
func Format(src []byte, filename string) ([]byte, Diagnostics) {
	r := newReport()
	if len(src) > largestFile {
		large := &account.TooLargeError{Size: int64(len(src)), Limit: largestFile}
		r.add(codeTooMuch, wholeFile(filename), "Cannot format the file", sentence(large.Error()))
		return src, r.found
	}
	if r.parse(src, filename) == nil {
		return src, r.found.sorted()
	}
	return hclwrite.Format(src), nil
}
