package main

import (
	"testing"
	"time"
)

func TestMomentsOfTheCommandLine(t *testing.T) {
	zone := time.FixedZone("", 3600)
	now := time.Date(2026, 3, 1, 14, 30, 5, 0, zone)
	for text, want := range map[string]time.Time{
		"90m":                           time.Date(2026, 3, 1, 13, 0, 5, 0, zone),
		"0s":                            now,
		"today":                         time.Date(2026, 3, 1, 0, 0, 0, 0, zone),
		"yesterday":                     time.Date(2026, 2, 28, 0, 0, 0, 0, zone),
		"09:05":                         time.Date(2026, 3, 1, 9, 5, 0, 0, zone),
		"09:05:07":                      time.Date(2026, 3, 1, 9, 5, 7, 0, zone),
		"2026-02-27":                    time.Date(2026, 2, 27, 0, 0, 0, 0, zone),
		"2026-02-27 09:05":              time.Date(2026, 2, 27, 9, 5, 0, 0, zone),
		"2026-02-27T09:05:01.042+02:00": time.Date(2026, 2, 27, 7, 5, 1, 42_000_000, time.UTC),
	} {
		if got, err := parseMoment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "tomorrow", "-1h", "25:00", "2026-02-30", "3 days"} {
		if got, err := parseMoment(text, now); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}
