package host

import (
	"net"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/accesslog"
	fronthttp "github.com/modgw/modgw/modgw/front/http"
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

// ReopenLogs opens the access log again, as after it was moved. Without one it does nothing.
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

// requestRefused is called with each request that could not be read. Nothing is known of it but the
// client and the answer.
func (h *Host) requestRefused(r fronthttp.Refusal) {
	log := h.accessLog.Load()
	if log == nil {
		return
	}
	info := &modgw.RequestInfo{Front: "http"}
	if host, _, err := net.SplitHostPort(r.Client.String()); err == nil {
		info.RemoteAddr = host
	}
	log.Ended(&http.Request{}, info, modgw.Outcome{Status: r.Status, Cause: r.Code})
}

func accessLogFault(file string, err error) error {
	return &modgw.Fault{
		Code:    "MGW-HST-026",
		Summary: "cannot write the access log " + file,
		Err:     err,
		Hint:    "the folder must exist, the host's user must be able to write there, and the file must be no link",
	}
}
