package loader

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/zclconf/go-cty/cty"
)

// errorPages are files below root by the status that they are for.
func errorPages(dst *map[int]string) value {
	return value{form: "map of paths", set: func(l *leaf) {
		if !l.value.CanIterateElements() || !l.value.Type().IsObjectType() && !l.value.Type().IsMapType() {
			l.wrong("%q must be an object such as { \"503\" = \"errors/busy.html\" }.", l.name)
			return
		}
		pages := map[int]string{}
		for key, page := range l.value.AsValueMap() {
			status, err := strconv.Atoi(key)
			if err != nil || status < 400 || status > 599 {
				l.wrong("%q must have statuses from 400 to 599, not %q.", l.name, key)
				return
			}
			if page.IsNull() || !page.IsKnown() || page.Type() != cty.String || !filepath.IsLocal(page.AsString()) {
				l.wrong("%q must have a path below root for status %s.", l.name, key)
				return
			}
			name := filepath.Clean(page.AsString())
			if path := filepath.Join(l.scope.dir, name); !l.isFile(path) {
				l.wrong("%q must have a file for status %s: %s.", l.name, key, fmt.Sprintf("there is none at %s", l.shown(path)))
				return
			}
			pages[status] = name
		}
		*dst = pages
	}}
}

func (l *leaf) isFile(path string) bool {
	info, err := l.scope.files.stat(path)
	return err == nil && !info.IsDir()
}
