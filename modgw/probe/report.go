package probe

import (
	"time"

	"github.com/modgw/modgw/modgw"
)

// Report describes a probe as the host received it.
type Report struct {
	Token      Token               `json:"token"`      // part of the path that was signed
	Front      string              `json:"front"`      // "fcgi", "http", "uwsgi" or "scgi"
	App        modgw.AppName       `json:"app"`        // app that the request is for; "": none
	Mount      modgw.MountPath     `json:"mount"`      // mount of that app
	Prefix     string              `json:"prefix"`     // path before the mount; "": none
	Method     string              `json:"method"`     // method of the request
	Host       string              `json:"host"`       // Host header
	Target     string              `json:"target"`     // request target as it was sent
	Path       []byte              `json:"path"`       // decoded path
	Query      string              `json:"query"`      // query without "?"
	Headers    map[string][]string `json:"headers"`    // those that probes send
	Other      []string            `json:"other"`      // names of all other headers
	Length     int64               `json:"length"`     // declared length of the body; -1: none
	Body       int64               `json:"body"`       // bytes of the body
	Digest     string              `json:"digest"`     // SHA-256 of the body in hexadecimal digits
	BodyError  string              `json:"bodyError"`  // why the body is not whole; "": it is
	Scheme     string              `json:"scheme"`     // "http" or "https"
	RemoteAddr string              `json:"remoteAddr"` // address of the client without port
	RemotePort string              `json:"remotePort"` // port of the client; "": not known
	ServerName string              `json:"serverName"` // SERVER_NAME; "": not known
	ServerPort string              `json:"serverPort"` // SERVER_PORT; "": not known
	Software   string              `json:"software"`   // the web server in front; "": not known
	Received   time.Time           `json:"received"`   // when the head was complete
	Ended      bool                `json:"ended"`      // the answer is complete
}

// shown are the headers whose values a report has.
var shown = map[string]bool{
	"Accept-Encoding": true, "Authorization": true, "Connection": true, "Content-Type": true, "Content-Length": true,
	"Cookie": true, "Expect": true, "Forwarded": true, "Host": true, "Upgrade": true, "User-Agent": true, "Via": true,
	"X-Request-Start": true, "X-Modgw-Probe": true, "If-None-Match": true, "Range": true, "Transfer-Encoding": true,
	"X-Forwarded-For": true, "X-Forwarded-Host": true, "X-Forwarded-Port": true, "X-Forwarded-Prefix": true,
	"X-Forwarded-Proto": true, "X-Forwarded-Server": true, "X-Real-Ip": true, "X-Script-Name": true,
}
