package webfiles

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/files"
)

// encodings lists the precompressed siblings that a file can have, the smaller ones first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// variant is the file that answers a request.
type variant struct {
	file     *files.File // nil: the path is a folder's, but lacks the slash
	name     string      // name of the file without compression
	encoding string      // "" without
	varies   bool        // there are other variants of the same name
	sniffed  string      // content type by content, if the name has none
}

// find finds the file that answers a path. It does so in one visit, because switching to a user's
// rights is expensive.
func (s *Site) find(pathInfo string, accept []string) (found variant, err error) {
	name, isFolder, ok := fileName(pathInfo)
	if !ok || s.Hide != nil && s.Hide(name) {
		return variant{}, fmt.Errorf("cannot serve %q: it is no name of a public file", pathInfo)
	}
	err = s.Folder.Visit(func(root files.Root) error {
		if name == "" || isFolder {
			index, err := s.findIndex(root, name)
			if err != nil || !isFolder { // the mount itself, without a slash
				return err
			}
			name = index
		} else if info, err := root.Stat(name); err == nil && info.IsDir() {
			_, err := s.findIndex(root, name)
			return err
		}
		found, err = open(root, name, accept)
		return err
	})
	return found, err
}

// findIndex returns the name of the index file of a folder.
func (s *Site) findIndex(root files.Root, folder string) (string, error) {
	for _, index := range s.Index {
		name := strings.TrimPrefix(folder+"/"+index, "/")
		info, err := root.Stat(name)
		switch {
		case err == nil && info.Mode().IsRegular():
			return name, nil
		case files.IsDenied(err):
			return "", err
		}
	}
	return "", fmt.Errorf("cannot serve the folder %q: it has no index file", folder)
}

// openNamed opens the file called name.
func (s *Site) openNamed(name string, accept []string) (found variant, err error) {
	err = s.Folder.Visit(func(root files.Root) error {
		found, err = open(root, name, accept)
		return err
	})
	return found, err
}

// open opens a file, or the best of its precompressed siblings. It ignores a sibling that is older
// than the file, because it was not updated with the file.
func open(root files.Root, name string, accept []string) (variant, error) {
	plain, err := root.Open(name)
	if err != nil {
		return variant{}, err
	}
	v := variant{file: plain, name: name}
	for _, e := range encodings {
		info, err := root.Stat(name + e.suffix)
		if err != nil || !info.Mode().IsRegular() || info.ModTime().Before(plain.Info.ModTime()) {
			continue
		}
		v.varies = true
		if v.encoding != "" || !accepts(accept, e.name) {
			continue
		}
		if packed, err := root.Open(name + e.suffix); err == nil {
			v.file, v.encoding = packed, e.name
		}
	}
	if contentType(name) == "" {
		v.sniffed = sniff(plain)
	}
	if v.file != plain {
		plain.Close()
	}
	return v, nil
}

// accepts reports whether Accept-Encoding headers name an encoding with a weight other than 0 (RFC
// 9110 section 12.5.3). "*" does not count as naming it: clients that send it rarely mean it.
func accepts(headers []string, encoding string) bool {
	for _, header := range headers {
		for element := range strings.SplitSeq(header, ",") {
			name, parameter, _ := strings.Cut(element, ";")
			if !strings.EqualFold(strings.TrimSpace(name), encoding) {
				continue
			}
			weight, weighted := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(parameter, " ", "")), "q=")
			q, err := strconv.ParseFloat(weight, 64)
			return !weighted || err == nil && q > 0
		}
	}
	return false
}
