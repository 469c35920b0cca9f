package host

import (
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/accesslog"
)

// openAccessLog opens the access log of the host's file, if it has one, and returns a function that
// closes it.
func (h *Host) openAccessLog() (end func(), err error) {
	settings := h.file.AccessLog
	if settings == nil {
		return func() {}, nil
	}
	format, err := accesslog.ParseFormat(settings.Format)
	if err != nil {
		return nil, accessLogFault(settings.File, err)
	}
	log, err := accesslog.Open(settings.File, format, h.log)
	if err != nil {
		return nil, accessLogFault(settings.File, err)
	}
	h.accessLog.Store(log)
	return log.Close, nil
}

// ReopenLogs reopens the access log after it was moved. If there is none, it does nothing.
func (h *Host) ReopenLogs() {
	if log := h.accessLog.Load(); log != nil {
		log.Reopen()
	}
}

// requestEnded is called with each request that has ended.
func (h *Host) requestEnded(r *http.Request, info *modgw.RequestInfo, o modgw.Outcome) {
	if log := h.accessLog.Load(); log != nil {
		log.Ended(r, info, o)
	}
	if h.tracer != nil {
		h.tracer.End(r, info, o)
	}
}

// requestRefused is called with each request that a front refuses, as far as it was understood.
func (h *Host) requestRefused(r *http.Request, status int, f *modgw.Fault) {
	if log := h.accessLog.Load(); log != nil {
		log.Ended(r, modgw.RequestInfoOf(r), modgw.Outcome{Status: status, Cause: f.Code})
	}
}

func accessLogFault(file string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-HST-026",
		Summary: "cannot write the access log " + file,
		Err:     err,
		Hint:    "the folder must exist, the host's user must be able to write there, and the file must be no link",
	}
}
