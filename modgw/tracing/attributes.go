package tracing

import (
	"strings"
	"time"
	"unicode/utf8"

	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
)

// longestText is how many bytes of a text are exported. Clients choose some of them.
const longestText = 1024

// attributes describe a span, or its source. Empty texts are left out.
type attributes []*commonpb.KeyValue

func (a *attributes) add(name string, value *commonpb.AnyValue) {
	*a = append(*a, &commonpb.KeyValue{Key: name, Value: value})
}

// text adds a text. The format has UTF-8 alone.
func (a *attributes) text(name, value string) {
	if value == "" {
		return
	}
	if len(value) > longestText {
		end := longestText
		for end > longestText-utf8.UTFMax && !utf8.RuneStart(value[end]) {
			end--
		}
		value = value[:end]
	}
	value = strings.ToValidUTF8(value, "\ufffd")
	a.add(name, &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}})
}

func (a *attributes) number(name string, value int64) {
	a.add(name, &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: value}})
}

func (a *attributes) seconds(name string, value time.Duration) {
	seconds := &commonpb.AnyValue_DoubleValue{DoubleValue: value.Seconds()}
	a.add(name, &commonpb.AnyValue{Value: seconds})
}
