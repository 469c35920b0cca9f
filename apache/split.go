package apache

import (
	"fmt"
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
	c, err := newConfiguration(apps, listeners, o)
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

// configuration is the text that Config and Split write.
type configuration struct {
	up      upstream
	options Options
	parts   []part
}

// part is the virtual hosts of one set of host names.
type part struct {
	name  string // name of the file, without ".conf"
	apps  []modgw.Descriptor
	write func(*writer)
}

func newConfiguration(apps []modgw.Descriptor, listeners []modgw.Listener, o Options) (*configuration, error) {
	up, err := upstreamOf(listeners, o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	sites := webserver.Sites(apps)
	if slices.ContainsFunc(sites, func(s webserver.Site) bool { return slices.Contains(s.Hosts, o.ServerName) }) {
		o.ServerName = nameless // the first virtual host must not have the name of another
	}
	c := &configuration{up: up, options: o}
	if !slices.ContainsFunc(sites, webserver.Site.Default) {
		c.parts = append(c.parts, part{name: firstFile, write: func(w *writer) { w.refusals(sites, o) }})
	}
	taken := map[string]int{}
	for _, s := range sites {
		name := fileName(s)
		if taken[name]++; taken[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, taken[name])
		}
		c.parts = append(c.parts, part{name: name, apps: s.Apps, write: func(w *writer) { w.virtualHosts(s, up, o) }})
	}
	return c, nil
}

// firstFile is the name of the file with the virtual hosts that answer all names that no other has.
const firstFile = "000-default"

func fileName(s webserver.Site) string {
	if s.Default() {
		return firstFile
	}
	return serverName(s.Hosts[0])
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
