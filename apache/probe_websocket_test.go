package apache_test

import (
	"strings"
	"testing"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

func TestAWebSocketIsSeenToPassTheInstalledApache(t *testing.T) {
	fronttest.Require(t, "apache2", "apache2")
	web := modgw.Listener{Kind: "http", Address: "unix:/run/none/http.sock"}
	fcgi := modgw.Listener{Kind: "fastcgi", Address: "unix:/run/none/fcgi.sock"}
	for name, listeners := range map[string][]modgw.Listener{"beside FastCGI": {fcgi, web}, "HTTP alone": {web}} {
		if f := apache.ProbeWebSocket(t.Context(), "", listeners); f.Level != apache.Good {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := apache.ProbeWebSocket(t.Context(), "", []modgw.Listener{fcgi}); f.Level != apache.Problem || !strings.Contains(f.Fix, `listen "http"`) {
		t.Errorf("without an HTTP listener: %+v", f)
	}
	if f := apache.ProbeWebSocket(t.Context(), "/bin/true", []modgw.Listener{web}); f.Level != apache.Problem || !faulttest.Has(f.Text, "MGW-APA-007") {
		t.Errorf("with a program that is no Apache: %+v", f)
	}
}
