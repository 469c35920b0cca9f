package loader

import "github.com/hashicorp/hcl/v2/hclwrite"

// Format is src in the usual layout; filename is for messages. A file that is not HCL stays as it is, and the diagnostics
// say why.
func Format(src []byte, filename string) ([]byte, Diagnostics) {
	r := newReport()
	if len(src) > largestFile {
		r.add(codeTooMuch, wholeFile(filename), "Cannot format the file", sentence((&tooLargeError{int64(len(src))}).Error()))
		return src, r.found
	}
	if r.parse(src, filename) == nil {
		return src, r.found.sorted()
	}
	return hclwrite.Format(src), nil
}
