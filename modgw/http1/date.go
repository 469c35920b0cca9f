package http1

import (
	"net/http"
	"sync/atomic"
	"time"
)

// Date makes values of Date fields, one for each second. The zero value is ready, and any goroutine
// may use it.
type Date struct{ last atomic.Pointer[dateValue] }

type dateValue struct {
	second int64
	text   []byte
}

// At is the value for a time. It must not be changed.
func (d *Date) At(t time.Time) []byte {
	second := t.Unix()
	if last := d.last.Load(); last != nil && last.second == second {
		return last.text
	}
	v := &dateValue{second, t.UTC().AppendFormat(nil, http.TimeFormat)}
	d.last.Store(v)
	return v.text
}
