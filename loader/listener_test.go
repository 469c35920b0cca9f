package loader

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/modgw"
)

// hostOf loads a host file with a text.
func hostOf(t *testing.T, dir, text string) (*modgw.HostFile, Diagnostics) {
	t.Helper()
	path := filepath.Join(dir, "host.hcl")
	write(t, path, text)
	h, _, diags := LoadHost(path, testOptions())
	return h, diags
}

func TestListenersHaveCertificates(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	a, b := ca.Issue(t, dir, "a.example"), ca.Issue(t, dir, "b.example")
	h, diags := hostOf(t, dir, fmt.Sprintf(`
trusted_proxies = ["10.0.0.5"]
listen "http" {
  address            = "0.0.0.0:443"
  proxy_protocol     = true
  client_ca          = %q
  client_certificate = "optional"
  tls {
    certificate = "a.example.pem"
    key         = "a.example.key"
  }
  tls {
    certificate = %q
    key         = %q
  }
  acme {
    hosts     = ["C.example", "www.c.example"]
    email     = "admin@c.example"
    agree_tos = true
  }
}`, ca.File, b.File, b.Key))
	if len(diags) > 0 {
		t.Fatal(rendered(t, diags))
	}
	want := modgw.Listener{
		Kind: "http", Address: "0.0.0.0:443", Mode: 0o660, ProxyProtocol: true,
		TLS:      []modgw.Certificate{modgw.Certificate(a), modgw.Certificate(b)},
		ACME:     &modgw.ACME{Hosts: []string{"c.example", "www.c.example"}, Email: "admin@c.example"},
		ClientCA: ca.File, ClientCertificate: modgw.ClientCertificateOptional,
	}
	if diff := cmp.Diff(want, h.Listeners[0]); diff != "" {
		t.Error(diff)
	}
}

func TestKeyThatEverybodyMayReadIsWarnedOf(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	pair := ca.Issue(t, dir, "a.example")
	if err := os.Chmod(pair.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	_, diags := hostOf(t, dir, `listen "http" {
  address = "0.0.0.0:443"
  tls {
    certificate = "a.example.pem"
    key         = "a.example.key"
  }
}`)
	if len(diags) != 1 || diags[0].Severity != Warning {
		t.Fatal(rendered(t, diags))
	}
	wantText(t, rendered(t, diags), "Every user of this machine may read", "chmod o-r", "host.hcl:5")
}
