package loader

import "github.com/modgw/modgw/modgw"

// fileArguments are the arguments of static and alias blocks about serving files.
func fileArguments(f *modgw.Files) []argument {
	return []argument{
		{name: "index", value: fileNames(&f.Index), def: []string{"index.html"},
			doc: "What a folder answers with, the first name that is there; [] for nothing.", example: `["index.html", "index.htm"]`},
		{name: "cache", value: cacheControl(&f.Cache), def: "",
			doc:     "How long browsers may keep a file without asking again: a duration, or a whole Cache-Control header.",
			example: `"1h"`},
		{name: "types", value: contentTypes(&f.Types),
			doc: "Content types by extension, beside the usual ones.", example: `{ ".geojson" = "application/geo+json" }`},
	}
}
