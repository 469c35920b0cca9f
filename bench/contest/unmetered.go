package contest

import (
	"context"
	"os"
	"path/filepath"

	"github.com/modgw/modgw/bench/testbed"
)

// Unmetered returns a modgw that counts and times no request, which it builds.
func (k *Kit) Unmetered(ctx context.Context) (Contestant, error) {
	folder, err := os.MkdirTemp(filepath.Dir(k.host), "unmetered")
	if err != nil {
		return Contestant{}, err
	}
	kit := *k
	if kit.host, err = testbed.BuildHost(ctx, folder, "unmetered"); err != nil {
		return Contestant{}, err
	}
	return Contestant{Name: "modgw, unmetered", serves: anything, launch: func(_ *Kit, s Setting, p Place) (Launch, error) {
		return launchModgw(&kit, s, p)
	}}, nil
}
