.PHONY: help build demo test lint fmt docs bench vulncheck

help:
	@sed -n 's/^## //p' Makefile

## make build                  builds bin/modgw-host, static
build:
	CGO_ENABLED=0 GOWORK=off go build -o bin/modgw-host ./cmd/modgw-host

## make demo                   installs what is missing and serves examples/hello
demo:
	scripts/demo

## make test                   installs what is missing, checks and runs all tests, as CI does
## make test PKG=./modgw/host  runs the tests of one package, PKG="./tests -run Ledger" some tests of one
test:
	scripts/test $(PKG)

## make lint                   runs go vet, staticcheck and the check of language
lint:
	go vet ./... ./bench/... ./tests/...
	go tool staticcheck ./... ./bench/... ./tests/...
	go test . -run Language

## make fmt                    formats the Go files
fmt:
	gofmt -w $$(git ls-files '*.go')

## make docs                   rewrites the generated parts of the manual and checks its links, names and examples
docs:
	go test ./loader -run Manual -update
	go test ./tests -run TheManual -update
	go test . ./loader ./cmd/modgw-host -run 'Manual|Pages|Links|Code|Message|Fault|Files|Language'

## make bench                  runs the smallest benchmark, which shows only that everything works
bench:
	scripts/bench -smallest

## make vulncheck              looks for known vulnerabilities
vulncheck:
	scripts/vulncheck
