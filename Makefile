.PHONY: build demo test lint fmt

build:
	CGO_ENABLED=0 GOWORK=off go build -o bin/modgw-host ./cmd/modgw-host

demo:
	scripts/demo

# make test PKG=./modgw/host tests one package, and make test PKG="./tests -run Ledger" some tests of one.
test:
	scripts/test $(PKG)

lint:
	go vet ./... ./bench/... ./tests/...
	go tool staticcheck ./... ./bench/... ./tests/...
	go test . -run Language

fmt:
	gofmt -w $$(git ls-files '*.go')
