package accesslog

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/modgw/modgw/modgw"
)

// entry is a request that has ended.
type entry struct {
	request *http.Request
	info    *modgw.RequestInfo
	outcome modgw.Outcome
	ended   time.Time
}

// field is a part of an entry that a format can show. number is set if JSON writes it as a number.
type field struct {
	value  func(*entry) string
	number bool
}

// fields are the fields of templates and of JSON, by name.
var fields = map[string]field{
	"time":       {value: func(e *entry) string { return e.received().Format("2006-01-02T15:04:05.000Z07:00") }},
	"clock":      {value: func(e *entry) string { return e.received().Format("02/Jan/2006:15:04:05 -0700") }},
	"remote":     {value: func(e *entry) string { return e.info.RemoteAddr }},
	"user":       {value: func(e *entry) string { return e.info.RemoteUser }},
	"method":     {value: func(e *entry) string { return e.request.Method }},
	"target":     {value: func(e *entry) string { return e.info.RawTarget }},
	"path":       {value: func(e *entry) string { return e.info.Path }},
	"protocol":   {value: func(e *entry) string { return e.request.Proto }},
	"scheme":     {value: func(e *entry) string { return e.info.Scheme }},
	"host":       {value: func(e *entry) string { return e.request.Host }},
	"status":     {value: func(e *entry) string { return strconv.Itoa(e.outcome.Status) }, number: true},
	"bytes":      {value: func(e *entry) string { return strconv.FormatInt(e.outcome.Bytes, 10) }, number: true},
	"broken":     {value: func(e *entry) string { return strconv.FormatBool(e.outcome.Broken) }, number: true},
	"referer":    {value: func(e *entry) string { return e.request.Header.Get("Referer") }},
	"agent":      {value: func(e *entry) string { return e.request.Header.Get("User-Agent") }},
	"took":       {value: func(e *entry) string { return seconds(e.outcome.Took) }, number: true},
	"queued":     {value: func(e *entry) string { return seconds(e.info.Queued()) }, number: true},
	"worked":     {value: func(e *entry) string { return seconds(e.outcome.Took - e.info.Queued()) }, number: true},
	"front_wait": {value: func(e *entry) string { return seconds(e.outcome.Front) }, number: true},
	"first_byte": {value: func(e *entry) string { return seconds(e.outcome.FirstByte) }, number: true},
	"last_byte":  {value: func(e *entry) string { return seconds(e.outcome.LastByte) }, number: true},
	"received":   {value: func(e *entry) string { return strconv.FormatInt(e.outcome.Received, 10) }, number: true},
	"worker":     {value: func(e *entry) string { return strconv.Itoa(e.outcome.Worker) }, number: true},
	"pid":        {value: func(e *entry) string { return strconv.Itoa(e.outcome.PID) }, number: true},
	"tries":      {value: func(e *entry) string { return strconv.Itoa(e.outcome.Tries) }, number: true},
	"cause":      {value: func(e *entry) string { return e.outcome.Cause }},
	"app":        {value: func(e *entry) string { return string(e.outcome.App) }},
	"generation": {value: func(e *entry) string { return strconv.Itoa(e.outcome.Generation) }, number: true},
	"id":         {value: func(e *entry) string { return e.info.ID }},
	"trace":      {value: func(e *entry) string { return e.info.TraceID(e.request) }},
	"span":       {value: func(e *entry) string { return e.info.SpanID() }},
	"front":      {value: func(e *entry) string { return e.info.Front }},
	"port":       {value: func(e *entry) string { return portOf(e.request.Host) }},
}

func (e *entry) received() time.Time { return e.ended.Add(-e.outcome.Took) }

// seconds shows a duration with microseconds.
func seconds(d time.Duration) string { return strconv.FormatFloat(max(0, d.Seconds()), 'f', 6, 64) }

func portOf(host string) string {
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		return ""
	}
	return port
}
