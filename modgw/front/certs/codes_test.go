package certs

import (
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/internal/faulttest"
)

// TestCertificatesThatAreNotAsTheyShouldBeAreExplained also renews one as the manual advises.
func TestCertificatesThatAreNotAsTheyShouldBeAreExplained(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	j := new(journal)
	pair := ca.IssueExpired(t, dir, "a.example")
	if err := os.Chmod(pair.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	s := store(t, j, pair)
	faulttest.Want(t, j.String(), "MGW-TLS-004")
	faulttest.Want(t, j.String(), "MGW-TLS-003")

	if err := os.Remove(pair.Key); err != nil {
		t.Fatal(err)
	}
	before := len(j.String())
	ca.Issue(t, dir, "a.example")
	lookNow(s)
	if _, err := s.choose(hello("a.example")); err != nil {
		t.Error(err)
	}
	if said := j.String()[before:]; strings.Contains(said, "MGW-") {
		t.Errorf("of the renewed certificate the log says %s", said)
	}
}
