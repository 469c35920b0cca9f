// Command tenancy measures how the host shares a machine among its apps:
//
//	go run ./bench/tenancy load       # an app from 1 request a second to 200 and back
//	go run ./bench/tenancy crawler    # 2 000 connections against one app, and its neighbour
//
// Only figures of one run can be compared: machines differ.
package main

import (
	"context"
	"errors"
	"io"

	"github.com/modgw/modgw/bench/testbed"
)

// measurements maps names to measurements.
var measurements = map[string]func(ctx context.Context, bed testbed.Bed, args []string) error{
	"load":    measureLoad,
	"crawler": measureCrawler,
}

func main() { testbed.Main("tenancy", run) }

func run(ctx context.Context, args []string, _, _ io.Writer) error {
	if len(args) == 0 || measurements[args[0]] == nil {
		return errors.New("usage: go run ./bench/tenancy load|crawler [flags]")
	}
	bed, err := testbed.New(ctx, "tenancy", "")
	if err != nil {
		return err
	}
	defer bed.Remove()
	return measurements[args[0]](ctx, bed, args[1:])
}
