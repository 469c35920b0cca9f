package host

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
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

func TestRefusedUpgradeNamesTheFirstAppThatFails(t *testing.T) {
	h := &Host{inherited: map[modgw.AppName]modgw.AppState{}}
	first := &firstDeploys{failed: map[modgw.AppName]error{}}
	for i := range 20 {
		name := modgw.AppName(fmt.Sprintf("app%02d", i))
		h.inherited[name] = modgw.AppServing
		first.failed[name] = errors.New("its code is broken")
	}
	h.inherited["app00"] = modgw.AppStopped
	if err := h.checkInheritedApps(first); err == nil || !strings.Contains(err.Error(), `"app01"`) {
		t.Errorf("got %v", err)
	}
}
