// Command tenancy measures how the host shares a machine among its apps:
//
//	go run ./bench/tenancy load       # an app from 1 request a second to 200 and back
//	go run ./bench/tenancy crawler    # 2 000 connections against one app, and its neighbour
//
// Only figures of one run can be compared: machines differ.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

// measurements are what can be measured, by name.
var measurements = map[string]func(ctx context.Context, b *bench, args []string) error{
	"load":    measureLoad,
	"crawler": measureCrawler,
}

func main() {
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: go run ./bench/tenancy load|crawler [flags]")
	}
	flag.Parse()
	measure := measurements[flag.Arg(0)]
	if measure == nil {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, measure, flag.Args()[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tenancy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, measure func(context.Context, *bench, []string) error, args []string) error {
	dir, err := os.MkdirTemp("", "tenancy")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir}
	if err := b.build(ctx); err != nil {
		return err
	}
	return measure(ctx, b, args)
}
