package main

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// outcome counts the outcomes of requests.
type outcome struct {
	sent  int
	lost  int             // not answered 200
	times []time.Duration // from the intended time of sending until the answer
}

// quantile returns the time that a share of the requests did not exceed.
func (o *outcome) quantile(share float64) time.Duration {
	if len(o.times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(o.times))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))].Round(100 * time.Microsecond)
}

// sendAtRate sends requests at a fixed rate, even if earlier ones are not answered yet, and returns
// when all are answered.
func sendAtRate(ctx context.Context, url string, rate float64, during time.Duration) *outcome {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	defer client.CloseIdleConnections()
	all := &outcome{sent: max(1, int(rate*during.Seconds()))}
	var mu sync.Mutex
	var sending sync.WaitGroup
	began := time.Now()
	for i := range all.sent {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		select {
		case <-ctx.Done():
			all.sent = i
			sending.Wait()
			return all
		case <-time.After(time.Until(due)):
		}
		sending.Go(func() {
			ok := isAnswered(client, url)
			mu.Lock()
			defer mu.Unlock()
			all.times = append(all.times, time.Since(due))
			if !ok {
				all.lost++
			}
		})
	}
	sending.Wait()
	return all
}

// isAnswered sends a request and reports whether it was answered 200.
func isAnswered(client *http.Client, url string) bool {
	response, err := client.Get(url)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil && response.StatusCode == http.StatusOK
}
