package host

import (
	"testing"
	"time"

	"github.com/modgw/modgw/modgw/diagnosis"
)

func TestSamplesOfFiguresAreKeptApartAndFew(t *testing.T) {
	var f sampleStore
	start := time.Now()
	for i := range 10 * keptSamples {
		at := start.Add(time.Duration(i) * sampleEvery / 4)
		all := f.add("shop", diagnosis.Sample{Time: at, Requests: uint64(i)})
		if len(all) > keptSamples+2 || all[len(all)-1].Requests != uint64(i) {
			t.Fatalf("%d samples, the last with %d requests", len(all), all[len(all)-1].Requests)
		}
	}
	kept := f.apps["shop"].kept
	if len(kept) != keptSamples {
		t.Errorf("%d are kept", len(kept))
	}
	for i := range kept[1:] {
		if kept[i+1].Time.Sub(kept[i].Time) < sampleEvery {
			t.Errorf("samples %d and %d are %s apart", i, i+1, kept[i+1].Time.Sub(kept[i].Time))
		}
	}
	f.remove("shop")
	if all := f.add("shop", diagnosis.Sample{Time: start}); len(all) != 1 {
		t.Errorf("%d samples of an app that was removed", len(all))
	}
}
