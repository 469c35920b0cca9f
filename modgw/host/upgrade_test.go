package host

import (
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
)

func TestHostIsUpgradedOnceAtATimeAndOnlyByItsProgram(t *testing.T) {
	h, err := New(Config{State: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Upgrade(t.Context(), "/usr/bin/modgw-host")
	faulttest.Want(t, err.Error(), "MGW-HST-032")
	h.succession.attempt.Lock()
	_, err = h.Upgrade(t.Context(), "")
	faulttest.Want(t, err.Error(), "MGW-HST-031")
}
