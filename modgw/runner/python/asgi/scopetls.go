package asgi

import (
	"crypto/tls"
	"encoding/pem"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/wire"
)

// appendTLS appends ASGI's TLS extension (version 0.2) if the front knows of TLS: from the
// connection itself, or from mod_ssl's variables.
func appendTLS(b []byte, info *modgw.RequestInfo) []byte {
	protocol := info.Variables["SSL_PROTOCOL"]
	if info.TLS == nil && protocol == "" {
		return b
	}
	b = wire.BeginDict(wire.AppendText(b, "extensions"))
	b = wire.BeginDict(wire.AppendText(b, "tls"))
	b = appendTextOrNone(b, "server_cert", info.Variables["SSL_SERVER_CERT"])
	b = wire.AppendText(b, "client_cert_chain")
	chain := clientChain(info)
	b = wire.AppendList(b, len(chain))
	for _, certificate := range chain {
		b = wire.AppendText(b, certificate)
	}
	b = appendTextOrNone(b, "client_cert_name", clientName(info))
	b = wire.AppendNone(wire.AppendText(b, "client_cert_error"))
	b = appendNumberOrNone(b, "tls_version", tlsVersion(info))
	b = appendNumberOrNone(b, "cipher_suite", cipherSuite(info))
	return wire.EndDict(wire.EndDict(b))
}

// clientChain is the certificates of the client, its own first.
func clientChain(info *modgw.RequestInfo) []string {
	var chain []string
	if info.TLS != nil {
		for _, certificate := range info.TLS.PeerCertificates {
			chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})))
		}
	} else if certificate := info.Variables["SSL_CLIENT_CERT"]; certificate != "" {
		chain = append(chain, certificate)
	}
	return chain
}

// clientName is the distinguished name of the client; "" without a certificate.
func clientName(info *modgw.RequestInfo) string {
	if info.TLS != nil && len(info.TLS.PeerCertificates) > 0 {
		return info.TLS.PeerCertificates[0].Subject.String()
	}
	return info.Variables["SSL_CLIENT_S_DN"]
}

// tlsVersions are the versions by the names that mod_ssl gives them.
var tlsVersions = map[string]uint16{
	"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13,
}

// tlsVersion is the number of the protocol's version; 0 when it is unknown.
func tlsVersion(info *modgw.RequestInfo) uint16 {
	if info.TLS != nil {
		return info.TLS.Version
	}
	return tlsVersions[info.Variables["SSL_PROTOCOL"]]
}

// cipherSuite returns the number of the cipher suite; 0 if it is unknown, as behind mod_ssl, which
// uses other names.
func cipherSuite(info *modgw.RequestInfo) uint16 {
	if info.TLS != nil {
		return info.TLS.CipherSuite
	}
	return 0
}

func appendTextOrNone(b []byte, key, value string) []byte {
	if value == "" {
		return wire.AppendNone(wire.AppendText(b, key))
	}
	return appendText(b, key, value)
}

func appendNumberOrNone(b []byte, key string, n uint16) []byte {
	b = wire.AppendText(b, key)
	if n == 0 {
		return wire.AppendNone(b)
	}
	return wire.AppendInt(b, int64(n))
}
