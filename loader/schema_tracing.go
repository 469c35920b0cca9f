package loader

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/modgw"
)

func tracingBlock(h *modgw.HostFile) block {
	t := &modgw.Tracing{}
	return block{
		name: "tracing", presence: whenWritten,
		doc: "A span for each request, sent to an OpenTelemetry collector by OTLP over HTTP. Without the block " +
			"there are none.",
		args: []argument{
			{name: "endpoint", value: collectorURL(&t.Endpoint), required: true,
				doc:     "URL of the collector. Spans go to `/v1/traces` below it.",
				example: `"http://127.0.0.1:4318"`},
			{name: "sample", value: fraction(&t.Sample), def: 1, example: `0.1`,
				doc: "Share of the requests that are traced. A request that continues a trace (`traceparent`) is " +
					"traced if its sender traces it, regardless of this setting."},
			{name: "continue", value: oneOf(&t.Continue, modgw.ContinueFront, modgw.ContinueAll, modgw.ContinueNone),
				def: "front", example: `"all"`,
				doc: "Senders whose traces requests continue: the web servers in front and `trusted_proxies` (`front`), " +
					"all clients (`all`), or no sender (`none`). The span only links to the trace of another sender."},
			{name: "headers", value: headers(&t.Headers), note: "none",
				doc:     "Further headers for the collector.",
				example: `{ Authorization = secret("/etc/modgw/blog.key") }`},
		},
		done: func() { h.Tracing = t },
	}
}

// collectorURL is the URL of a collector that speaks OTLP over HTTP.
func collectorURL(dst *string) value {
	return parsed("URL", dst, func(l *leaf, text string) (string, bool) {
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
			l.wrong("%q must be a URL such as http://127.0.0.1:4318.", l.name)
		case u.RawQuery != "" || u.Fragment != "":
			l.wrong("%q must be a URL without a query: what is sent goes to paths below it.", l.name)
		case u.Port() == "4317":
			l.wrong("%q must speak OTLP over HTTP, which collectors do at port 4318: port 4317 is that of gRPC.", l.name)
		default:
			return strings.TrimSuffix(text, "/"), true
		}
		return "", false
	})
}

// headers are names and values of HTTP headers.
func headers(dst *map[string]string) value {
	return value{form: "object of strings", set: func(l *leaf) {
		t := l.value.Type()
		if !t.IsObjectType() && !t.IsMapType() {
			l.wrong("%q must be an object such as { Authorization = \"Bearer …\" }, not %s.", l.name, typeName(t))
			return
		}
		*dst = map[string]string{}
		values := l.value.AsValueMap()
		for _, name := range slices.Sorted(maps.Keys(values)) {
			v := values[name]
			switch {
			case !httpguts.ValidHeaderFieldName(name):
				l.failAt(codeValue, l.keyRange(name), l.shown(name)+" is not the name of a header.")
			case v.IsNull() || v.Type() != cty.String || !httpguts.ValidHeaderFieldValue(v.AsString()):
				l.failAt(codeValue, l.keyRange(name), "The header "+l.shown(name)+" must be a string without control characters.")
			default:
				(*dst)[name] = v.AsString()
			}
		}
	}}
}
