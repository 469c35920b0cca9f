package proc

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// feed writes pieces to a stream and returns the resulting records, each followed by "|".
func feed(output Output, pieces ...string) string {
	var b strings.Builder
	output.Line = func(l Line) {
		if l.Dropped > 0 {
			b.WriteString("dropped " + strings.Repeat("x", l.Dropped) + "|")
			return
		}
		b.WriteString(l.Text + "|")
	}
	l := newLines("stderr", 1, output)
	for _, piece := range pieces {
		l.take([]byte(piece), time.Unix(1, 0))
	}
	l.end()
	return b.String()
}

const trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x\nValueError: bad\n"

func TestLinesBecomeRecords(t *testing.T) {
	for name, c := range map[string]struct {
		pieces []string
		want   string
	}{
		"lines":                  {[]string{"a\nb\r\n", "\n"}, "a|b||"},
		"pieces":                 {[]string{"a", "b", "c\nd"}, "abc|d|"},
		"controls":               {[]string{"\x1b[31mred\x07\tx\x7f\n"}, `\x1b[31mred\x07` + "\t" + `x\x7f|`},
		"c1, bidi and line ends": {[]string{"a\u0085b\u202ec\u2028\n"}, `a\u0085b\u202ec\u2028|`},
		"not utf-8":              {[]string{"gr\xfcn grün\n"}, `gr\xfcn grün|`},
		"long":                   {[]string{strings.Repeat("x", 50), "y\nshort\n"}, strings.Repeat("x", 20) + cutMark + "|short|"},
		"traceback":              {[]string{"before\n", trace, "after\n"}, "before|" + strings.TrimSpace(trace) + "|after|"},
		"traceback in pieces":    {strings.SplitAfter(trace, " "), strings.TrimSpace(trace) + "|"},
		"traceback with prefix":  {[]string{"ERROR: Traceback (most recent call last):\n  x\nE\nnext\n"}, "ERROR: Traceback (most recent call last):\n  x\nE|next|"},
		"two tracebacks":         {[]string{trace, "x\n", trace}, strings.TrimSpace(trace) + "|x|" + strings.TrimSpace(trace) + "|"},
		"chained":                {[]string{trace, "\nDuring handling of the above exception, another exception occurred:\n\n", trace, "x\n"}, trace + "\nDuring handling of the above exception, another exception occurred:\n\n" + strings.TrimSpace(trace) + "|x|"},
		"fake line in traceback": {[]string{"Traceback (most recent call last):\n  \x1b[2K\nE\n"}, "Traceback (most recent call last):\n  " + `\x1b[2K` + "\nE|"},
	} {
		t.Run(name, func(t *testing.T) {
			output := Output{}
			if name == "long" {
				output.MaxLine = 20
			}
			if got := feed(output, c.pieces...); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestTooManyLinesAreCounted(t *testing.T) {
	got := feed(Output{PerSecond: 2}, "a\nb\nc\nd\n", "e\n")
	if got != "a|b|dropped xxx|" {
		t.Errorf("got %q", got)
	}
}

func TestTooManyBytesAreCounted(t *testing.T) {
	long := strings.Repeat("x", 40)
	for name, c := range map[string]struct{ printed, want string }{
		"lines":     {long + "\n" + long + "\n" + long + "\n", long + "|" + long + "|dropped x|"},
		"escapes":   {strings.Repeat("\x00", 40) + "\n" + long + "\n", strings.Repeat(`\x00`, 40) + "|dropped x|"},
		"traceback": {"Traceback (most recent call last):\n  " + long + "\n  " + long + "\nE\n", "Traceback (most recent call last):\n  " + long + cutMark + "|dropped xx|"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := feed(Output{BytesPerSecond: 100}, c.printed); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestHeldBackRecordsComeAfterALull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := make(chan Line, 10)
		l := newLines("stdout", 1, Output{Line: func(l Line) { records <- l }, PerSecond: 1})
		l.take([]byte(trace), time.Now())
		synctest.Wait()
		if len(records) != 0 {
			t.Error("a traceback came before its end was sure")
		}
		if got := <-records; got.Text != strings.TrimSpace(trace) {
			t.Errorf("got %q", got.Text)
		}
		l.take([]byte("one too many\n"), time.Now())
		if got := <-records; got.Dropped != 1 {
			t.Errorf("got %+v", got)
		}
		time.Sleep(time.Second)
		l.take([]byte("next second\n"), time.Now())
		if got := <-records; got.Text != "next second" {
			t.Errorf("got %+v", got)
		}
		l.end()
	})
}
