package top

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// Host is the part of [control.Client] that top uses.
type Host interface {
	// Status is a snapshot of the host and its apps.
	Status(ctx context.Context) (control.Status, error)

	// Metrics writes the metrics to w, in JSON if asJSON is set.
	Metrics(ctx context.Context, w io.Writer, asJSON bool) error
}

// Snapshot is the state of a host's apps at one time.
type Snapshot struct {
	Time   time.Time      // when the host had answered
	Status control.Status // its answer

	counts map[modgw.AppName]*counts
}

// counts are figures of an app since the host started.
type counts struct {
	requests, failed float64            // those that have ended; with a status from 500 on
	processor        map[string]float64 // seconds by number of the worker
	memory           float64            // bytes of all workers
	durations        []bucket           // smallest first
}

// bucket has how many requests took no longer than its bound.
type bucket struct {
	bound float64 // seconds
	count float64
}

// series is one of a metric, as the host prints metrics in JSON.
type series struct {
	Labels  map[string]string  `json:"labels"`
	Value   float64            `json:"value"`
	Count   float64            `json:"count"`
	Buckets map[string]float64 `json:"buckets"`
}

// Read asks a host how its apps are.
func Read(ctx context.Context, host Host) (Snapshot, error) {
	status, err := host.Status(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Time: time.Now(), Status: status, counts: map[modgw.AppName]*counts{}}
	for _, a := range status.Apps {
		s.counts[a.App] = &counts{processor: map[string]float64{}}
	}
	var text bytes.Buffer
	if err := host.Metrics(ctx, &text, true); err != nil {
		return Snapshot{}, err
	}
	var families []struct {
		Name   string   `json:"name"`
		Series []series `json:"series"`
	}
	if err := json.Unmarshal(text.Bytes(), &families); err != nil {
		return Snapshot{}, fmt.Errorf("cannot read the host's metrics: %w", err)
	}
	for _, family := range families {
		for _, one := range family.Series {
			if c := s.counts[modgw.AppName(one.Labels["app"])]; c != nil {
				c.add(family.Name, one)
			}
		}
	}
	return s, nil
}

// add records a series.
func (c *counts) add(name string, s series) {
	switch name {
	case "modgw_requests_total":
		c.requests += s.Value
		if strings.HasPrefix(s.Labels["code"], "5") {
			c.failed += s.Value
		}
	case "modgw_worker_cpu_seconds_total":
		c.processor[s.Labels["worker"]] = s.Value
	case "modgw_worker_memory_bytes":
		c.memory += s.Value
	case "modgw_request_duration_seconds":
		for text, count := range s.Buckets {
			if bound, err := strconv.ParseFloat(text, 64); err == nil {
				c.durations = append(c.durations, bucket{bound, count})
			}
		}
		slices.SortFunc(c.durations, func(a, b bucket) int { return cmp.Compare(a.bound, b.bound) })
	}
}
