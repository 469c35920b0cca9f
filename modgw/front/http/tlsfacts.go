package http

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// tlsFacts returns the variables with which Apache's mod_ssl describes a connection. The names of
// ciphers are those of IANA.
func tlsFacts(state *tls.ConnectionState) map[string]string {
	facts := map[string]string{
		"SSL_PROTOCOL":      strings.Replace(tls.VersionName(state.Version), "TLS 1.", "TLSv1.", 1),
		"SSL_CIPHER":        tls.CipherSuiteName(state.CipherSuite),
		"SSL_CLIENT_VERIFY": "NONE",
	}
	if state.ServerName != "" {
		facts["SSL_TLS_SNI"] = state.ServerName
	}
	if len(state.VerifiedChains) > 0 {
		client := state.PeerCertificates[0]
		facts["SSL_CLIENT_VERIFY"] = "SUCCESS"
		facts["SSL_CLIENT_S_DN"] = client.Subject.String()
		facts["SSL_CLIENT_S_DN_CN"] = client.Subject.CommonName
		facts["SSL_CLIENT_I_DN"] = client.Issuer.String()
		facts["SSL_CLIENT_M_SERIAL"] = fmt.Sprintf("%X", client.SerialNumber)
	}
	return facts
}
