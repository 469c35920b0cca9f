package apache_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

func TestAppsAreToldOfTLSAndTheClientsCertificate(t *testing.T) {
	listener := serve(t, func(w http.ResponseWriter, r *http.Request) {
		v := modgw.RequestInfoOf(r).Variables
		fmt.Fprintf(w, "%t %t %q %q %q %q", v["SSL_PROTOCOL"] != "", v["SSL_CIPHER"] != "", v["SSL_CLIENT_S_DN"], v["SSL_CLIENT_S_DN_CN"],
			v["SSL_CLIENT_I_DN"], v["SSL_CLIENT_M_SERIAL"])
	})
	key := fronttest.SelfSigned(t)
	o := apache.Options{Port: fronttest.FreePort(t), TLS: &apache.TLS{Certificate: key, Key: key}}
	conf, err := apache.Config([]modgw.Descriptor{wsgi("any", "/")}, []modgw.Listener{listener}, o)
	if err != nil {
		t.Fatal(err)
	}
	fronttest.StartApache(t, fmt.Sprintf("SSLSessionCache none\nSSLVerifyClient optional_no_ca\nListen 127.0.0.1:%d\n%s", o.Port, conf))
	fronttest.CheckCertificateVariables(t, fmt.Sprintf("https://127.0.0.1:%d/", o.Port))
}
