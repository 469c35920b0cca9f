package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// turn is the result of sending requests to an app for a while.
type turn struct {
	perSecond float64       // answers
	cpu       time.Duration // processor time of the host and all its processes for an answer
}

// ask sends requests to an app of the host for a while.
func (h host) ask(ctx context.Context, app string, connections int, length time.Duration) (turn, error) {
	url := "http://" + h.Address + "/" + app + "/"
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var answers atomic.Int64
	var all sync.WaitGroup
	failures := make(chan error, connections)
	before, begin := h.processorTime(), time.Now()
	for range connections {
		all.Go(func() {
			for time.Since(begin) < length && ctx.Err() == nil {
				if err := get(client, url); err != nil {
					failures <- err
					return
				}
				answers.Add(1)
			}
		})
	}
	all.Wait()
	used, took := h.processorTime()-before, time.Since(begin)
	close(failures)
	if err := <-failures; err != nil {
		return turn{}, err
	}
	n := max(answers.Load(), 1)
	return turn{perSecond: float64(n) / took.Seconds(), cpu: used / time.Duration(n)}, ctx.Err()
}

func get(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(url + ": " + response.Status)
	}
	return err
}
