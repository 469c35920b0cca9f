package diagnosis

import (
	"fmt"
	"time"
)

// Certificate is a certificate that the host presents to clients.
type Certificate struct {
	Name    string    // first name in it
	File    string    // path of the certificate; "": it came by ACME
	Begins  time.Time // beginning of its validity
	Expires time.Time // end of its validity
}

// soon is the time before the end of a certificate at which it should have been replaced. If the
// soonShare-th part of its lifetime is shorter, that counts instead.
const (
	soon      = 7 * 24 * time.Hour
	soonShare = 5
)

func endingCertificate(h *Host) *Diagnosis {
	var worst *Certificate
	for i := range h.Certificates {
		c := &h.Certificates[i]
		if c.Expires.Sub(h.Now) < min(soon, c.Expires.Sub(c.Begins)/soonShare) && (worst == nil || c.Expires.Before(worst.Expires)) {
			worst = c
		}
	}
	if worst == nil {
		return nil
	}
	from, hint := worst.File, "replace the file; the host takes the new one without a restart"
	if from == "" {
		from, hint = "got by ACME", `modgw-host logs says why it was not renewed: look for "certificate not issued"`
	}
	date := worst.Expires.Local().Format("2006-01-02 15:04")
	if left := worst.Expires.Sub(h.Now); left > 0 {
		return &Diagnosis{"certificate_expires", Warning,
			fmt.Sprintf("the certificate for %s expires in %s, at %s (%s)", worst.Name, days(left), date, from), hint}
	}
	return &Diagnosis{"certificate_expired", Critical,
		fmt.Sprintf("the certificate for %s expired %s ago, at %s (%s)", worst.Name, days(h.Now.Sub(worst.Expires)), date, from), hint}
}

// days formats a duration in days, or in smaller units if it is short.
func days(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return roughly(d)
}
