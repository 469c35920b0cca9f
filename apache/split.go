package apache

import (
	"maps"
	"slices"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// File is a part of a configuration that Apache includes as a file of its own.
type File struct {
	Name string // such as "www.example.com.conf"; sorted as Apache includes it
	Text []byte // Text is the content.
}

// Split returns the result of Config as files, one for each set of host names. Apache includes them
// in the order of their names. The file that answers unknown host names comes first.
func Split(apps []modgw.Descriptor, listeners []modgw.Listener, o Options) ([]File, error) {
	c, err := newPlan(apps, listeners, o)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, p := range c.parts {
		w := &writer{}
		w.head(c.up, p.apps, c.options)
		p.write(w)
		text, err := w.bytes()
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: p.name + ".conf", Text: text})
	}
	return files, nil
}

// refusals are the virtual hosts for names that no app has, one for each port.
func (w *writer) refusals(sites []webserver.Site, o Options) {
	if o.HTTPPort != 0 || slices.ContainsFunc(sites, o.leavesPlain) {
		w.refusal(o.plain())
	}
	if !o.encrypts() || o.anyCertificate() != nil {
		w.refusal(o)
	}
}

// virtualHosts writes the virtual hosts for one set of host names, with and without TLS as the
// options require.
func (w *writer) virtualHosts(s webserver.Site, up upstream, o Options) {
	switch {
	case o.leavesPlain(s):
		w.site(s, up, o.plain())
		return
	case o.HTTPPort != 0 && o.RedirectHTTPS:
		w.redirect(s, o)
	case o.HTTPPort != 0:
		w.site(s, up, o.plain())
	}
	w.site(s, up, o)
}

// leavesPlain reports whether a site has no certificate though others have one.
func (o Options) leavesPlain(s webserver.Site) bool {
	return o.encrypts() && o.certificate(s.Hosts) == nil
}

// anyCertificate is one with which a name that no app has can be refused over TLS; nil without any.
func (o Options) anyCertificate() *TLS {
	if o.TLS != nil {
		return o.TLS
	}
	for _, name := range slices.Sorted(maps.Keys(o.Certificates)) {
		t := o.Certificates[name]
		return &t
	}
	return nil
}
