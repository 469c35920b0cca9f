package webfiles

import (
	"io"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/modgw/modgw/internal/files"
)

// unknown is the content type of files with unknown content.
const unknown = "application/octet-stream"

// types are content types that the web needs and that some machines' own tables lack.
var types = map[string]string{
	".avif":        "image/avif",
	".css":         "text/css; charset=utf-8",
	".csv":         "text/csv; charset=utf-8",
	".gz":          "application/gzip",
	".htm":         "text/html; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/vnd.microsoft.icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".md":          "text/markdown; charset=utf-8",
	".mjs":         "text/javascript; charset=utf-8",
	".mp3":         "audio/mpeg",
	".mp4":         "video/mp4",
	".otf":         "font/otf",
	".svg":         "image/svg+xml",
	".ttf":         "font/ttf",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".webm":        "video/webm",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff":        "font/woff",
	".woff2":       "font/woff2",
	".xml":         "text/xml; charset=utf-8",
	".zip":         "application/zip",
}

// contentType returns the content type of a file name, or "" if it is unknown.
func contentType(name string) string {
	extension := strings.ToLower(path.Ext(name))
	if known := types[extension]; known != "" {
		return known
	}
	return mime.TypeByExtension(extension)
}

// sniff distinguishes text from other content. It never returns a type that a browser would run.
func sniff(file *files.File) string {
	head := make([]byte, 512)
	n, _ := io.ReadFull(io.NewSectionReader(file, 0, int64(len(head))), head)
	if found := http.DetectContentType(head[:n]); strings.HasPrefix(found, "text/plain") {
		return found
	}
	return unknown
}
