package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// The files of uPlot are from version 1.6.32, unchanged; see assets/uplot/LICENSE.
//
//go:embed assets
var assets embed.FS

// assetsVersion is in the URLs of all assets, so that browsers may keep them until they change.
var assetsVersion = sync.OnceValue(func() string {
	sum := sha256.New()
	_ = fs.WalkDir(assets, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			text, _ := assets.ReadFile(name) // it is in memory
			sum.Write(text)
		}
		return err
	})
	return hex.EncodeToString(sum.Sum(nil))[:12]
})

// serveAsset answers with a file that is the same for all visitors.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	_, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/assets/"), "/")
	text, err := assets.ReadFile(path.Join("assets", name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	if path.Ext(name) == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}
