package loader

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/accesslog"
)

func accessLogBlock(h *modgw.HostFile) block {
	a := &modgw.AccessLog{}
	return block{
		name: "access_log", presence: whenWritten,
		doc: "A log with one line for each request, written when the request has ended. Without the block there " +
			"is no access log.",
		args: []argument{
			{name: "file", value: logFile(&a.File), def: "stdout", example: `"/var/log/modgw/access.log"`,
				doc: "\"stdout\", \"stderr\" or a path. The host opens the file again after it was moved, and on SIGUSR1."},
			{name: "format", value: logFormat(&a.Format), def: "combined", example: `"json"`,
				doc: "\"combined\" as in Apache, \"json\", or a template such as \"{time} {app} {status} {took}\" with the fields " +
					"of the page about logs."},
		},
		done: func() { h.AccessLog = a },
	}
}

// logFile is a standard stream or the path of a file.
func logFile(dst *string) value {
	in := path(dst)
	return value{form: "path", set: func(l *leaf) {
		if l.value.Type() == cty.String {
			if name := l.value.AsString(); name == "stdout" || name == "stderr" {
				*dst = name
				return
			}
		}
		in.set(l)
	}}
}

// logFormat is the format of a line of the access log.
func logFormat(dst *string) value {
	return parsed("string", dst, func(l *leaf, text string) (string, bool) {
		_, err := accesslog.ParseFormat(text)
		if err != nil {
			l.wrong("%q cannot be used: %v.", l.name, err)
		}
		return text, err == nil
	})
}
