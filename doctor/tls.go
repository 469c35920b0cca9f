package doctor

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// expirySoon is the remaining lifetime below which a certificate is a finding. Certbot and similar
// clients renew certificates a month before their end, and short-lived ones after two thirds of
// their lifetime.
const expirySoon = 14 * 24 * time.Hour

// checkCertificate returns the problems of a site's certificate and key.
func (d *Doctor) checkCertificate(s *site, c certificate) []Finding {
	list, err := readCertificates(c.file)
	if err != nil {
		return []Finding{problem("MGW-DOC-050", reason(err)).at(c.at, c.at.Name)}
	}
	var found []Finding
	leaf, now := list[0], d.now()
	switch {
	case now.After(leaf.NotAfter):
		f := problem("MGW-DOC-051", "it expired on "+day(leaf.NotAfter)).at(c.at, c.at.Name)
		f.Fix = "renew it: certbot renew"
		found = append(found, f)
	case now.Before(leaf.NotBefore):
		found = append(found, problem("MGW-DOC-051", "it counts from "+day(leaf.NotBefore)).at(c.at, c.at.Name))
	case leaf.NotAfter.Sub(now) < min(expirySoon, leaf.NotAfter.Sub(leaf.NotBefore)/4):
		f := problem("MGW-DOC-052", day(leaf.NotAfter)).at(c.at, c.at.Name)
		f.Fix = "renew it: certbot renew"
		found = append(found, f)
	}
	for _, name := range s.certifiedNames() {
		if leaf.VerifyHostname(name) != nil {
			found = append(found, problem("MGW-DOC-053", name).at(c.at, c.at.Name))
		}
	}
	if c.chain == "" && !selfSigned(leaf) && len(list) == 1 && !rooted(leaf) {
		f := problem("MGW-DOC-054").at(c.at, c.at.Name)
		if full := fullChain(c.file, leaf); full != "" {
			line := strings.Replace(c.at.Name+" "+strings.Join(c.at.Args, " "), c.at.Arg(0), full, 1)
			f = f.by(line, change(c.at, func(text string) string { return strings.Replace(text, c.at.Arg(0), full, 1) }))
		}
		found = append(found, f)
	}
	return append(found, d.checkKey(c)...)
}

// certifiedNames are the names of the apps of this site that a certificate must have. A name with a
// wildcard is asked for as a name below it.
func (s *site) certifiedNames() (names []string) {
	for _, app := range s.server.doctor.Apps {
		for _, host := range app.Hosts {
			if s.answers(host) {
				names = append(names, strings.Replace(host, "*", "www", 1))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkKey returns the problems of a certificate's key.
func (d *Doctor) checkKey(c certificate) []Finding {
	info, err := os.Stat(c.key)
	if err != nil {
		return []Finding{problem("MGW-DOC-050", reason(err)).at(c.keyAt, c.keyAt.Name)}
	}
	var found []Finding
	if info.Mode().Perm()&0o004 != 0 {
		f := problem("MGW-DOC-056").at(c.keyAt, c.keyAt.Name)
		f.Fix = "chmod o-rwx " + c.key
		f.edits = []edit{{file: c.key, mode: info.Mode().Perm() &^ 0o007}}
		found = append(found, f)
	}
	switch err := checkPair(c); {
	case errors.Is(err, errOtherKey):
		f := problem("MGW-DOC-055").at(c.keyAt, c.keyAt.Name)
		found = append(found, f)
	case err != nil && !errors.Is(err, fs.ErrPermission):
		found = append(found, problem("MGW-DOC-050", reason(err)).at(c.keyAt, c.keyAt.Name))
	}
	return found
}

var errOtherKey = errors.New("the key is another certificate's")

// checkPair returns errOtherKey for a key that does not belong to its certificate.
func checkPair(c certificate) error {
	_, err := tls.LoadX509KeyPair(c.file, c.key)
	if err != nil && (strings.Contains(err.Error(), "does not match") || strings.Contains(err.Error(), "private key type")) {
		return errOtherKey
	}
	return err
}

// readCertificates returns the certificates of a PEM file; at least one without an error.
func readCertificates(file string) (list []*x509.Certificate, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no certificate", file)
	}
	return list, nil
}

// selfSigned reports whether a certificate is signed with its own key.
func selfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

// rooted reports whether an authority that this machine knows has signed a certificate itself.
func rooted(c *x509.Certificate) bool {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return false
	}
	_, err = c.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.NotBefore.Add(time.Second)})
	return err == nil
}

// fullChain returns the file next to a certificate that contains it with its chain, as certbot
// names it, or "" if there is none.
func fullChain(file string, leaf *x509.Certificate) string {
	base, ok := strings.CutSuffix(file, "/cert.pem")
	if !ok {
		return ""
	}
	full := base + "/fullchain.pem"
	list, err := readCertificates(full)
	if err != nil || len(list) < 2 || !list[0].Equal(leaf) {
		return ""
	}
	return full
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// reason is an error without the words around it.
func reason(err error) string {
	if broken, ok := errors.AsType[*fs.PathError](err); ok {
		return broken.Path + ": " + broken.Err.Error()
	}
	return err.Error()
}
