package fronttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
)

// SelfSigned writes a key and a certificate for localhost into one file, whose path it returns.
func SelfSigned(t testing.TB) string {
	t.Helper()
	dir := Dir(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		NotAfter:     time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	data := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	file := filepath.Join(dir, "localhost.pem")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// KeyPair reads a file that [SelfSigned] has written.
func KeyPair(t testing.TB, file string) tls.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// CheckCertificateVariables sends requests to url, which answers with the variables that an app
// gets about TLS and the client's certificate, once without and once with a certificate.
func CheckCertificateVariables(t testing.TB, url string) {
	t.Helper()
	for _, c := range []struct {
		certificates []tls.Certificate
		want         string
	}{
		{nil, `true true "" "" "" ""`},
		{[]tls.Certificate{KeyPair(t, SelfSigned(t))}, `true true "CN=localhost" "localhost" "CN=localhost" "01"`},
	} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: c.certificates}}
		client := &http.Client{Transport: transport, Timeout: watchtest.Patience}
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		transport.CloseIdleConnections()
		if string(body) != c.want || err != nil {
			t.Errorf("with %d certificates: %s, want %s, %v", len(c.certificates), body, c.want, err)
		}
	}
}
