package export

import (
	"slices"

	"github.com/modgw/modgw/modgw"
)

// folderAliases returns the aliases that the web server serves itself. Aliases of single files, and
// aliases with their own content types, are left to the host: neither nginx nor lighttpd can add a
// type to those that it knows.
func folderAliases(d modgw.Descriptor) []modgw.Alias {
	return slices.DeleteFunc(slices.Clone(d.Aliases), func(a modgw.Alias) bool { return a.File != "" || len(a.Files.Types) > 0 })
}

// indexNames returns the index files of an alias. To turn index files off, both servers need the
// name of a file that does not exist.
func (w *writer) indexNames(a modgw.Alias) []string {
	var names []string
	for _, name := range a.Files.Index {
		names = append(names, w.quoted("index of an alias", name))
	}
	if names == nil {
		return []string{`"modgw-no-index"`}
	}
	return names
}
