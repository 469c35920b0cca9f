package export

import (
	"slices"

	"github.com/modgw/modgw/modgw"
)

// folderAliases are the aliases that the web server answers itself. Those of single files, and
// those with content types of their own, are left to the host: neither nginx nor lighttpd can add
// one to the types that it knows.
func folderAliases(d modgw.Descriptor) []modgw.Alias {
	return slices.DeleteFunc(slices.Clone(d.Aliases), func(a modgw.Alias) bool { return a.File != "" || len(a.Files.Types) > 0 })
}

// indexNames are the index files of an alias. Neither server can be told that a folder has none but
// by a name that no file has.
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
