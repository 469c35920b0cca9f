package asgi

import (
	"testing"
	"unicode/utf8"
)

func FuzzSocketEvent(f *testing.F) {
	for _, seed := range []string{"u\x01\x00\x00\x00a", "s\x00\x00\x00\x00", "T", "F", "[\x02\x00\x00\x00", "(\x02\x00\x00\x00i\xe8\x03\x00\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == 0 {
			return // a stream accepts none
		}
		e, err := decodeSocketEvent(payload)
		if err == nil && len(e.data)+len(e.reason) > 3*len(payload) {
			t.Errorf("%d bytes became %+v", len(payload), e)
		}
		if reason := closeReason(e.reason); len(reason) > 123 || !utf8.ValidString(reason) {
			t.Errorf("reason %q", reason)
		}
	})
}
