package python

import (
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestAppWrittenForModWSGIFindsItsKeysWhenItAsks(t *testing.T) {
	t.Parallel()
	const source = `
def application(environ, start_response):
    import mod_wsgi
    start_response("200 OK", [])
    keys = [environ.get(key, "none") for key in ("mod_wsgi.process_group", "mod_wsgi.path_info")]
    return [" ".join([*keys, str(mod_wsgi.maximum_processes)]).encode()]
`
	plain := serve(t, source)
	if got := plain.get("/page").body; got != "none none 1" {
		t.Errorf("without compat the app sees %q", got)
	}
	compatible := serve(t, source, func(d *modgw.Descriptor) {
		d.WSGI.Compat, d.WSGI.Workers = modgw.ModWSGI, 2
	})
	if got, want := compatible.get("/page").body, "hello /page 2"; got != want {
		t.Errorf("with compat the app sees %q, want %q", got, want)
	}
}
