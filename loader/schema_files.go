package loader

import "github.com/modgw/modgw/modgw"

// fileArguments are the arguments of static and alias blocks about serving files.
func fileArguments(f *modgw.Files) []argument {
	return []argument{
		{name: "index", value: fileNames(&f.Index), def: []string{"index.html"},
			doc: "Names of the file that answers for a folder; the first one that exists counts. [] for none.", example: `["index.html", "index.htm"]`},
		{name: "cache", value: cacheControl(&f.Cache), def: "",
			doc:     "How long browsers may keep a file without asking again: a duration, or a whole Cache-Control header.",
			example: `"1h"`},
		{name: "types", value: contentTypes(&f.Types),
			doc: "Content types by extension, in addition to the usual ones.", example: `{ ".geojson" = "application/geo+json" }`},
	}
}
