.PHONY: build demo test lint fmt

build:
	CGO_ENABLED=0 go build -o bin/modgw-host ./cmd/modgw-host

demo:
	scripts/demo

# make test PKG=./modgw/host tests one package, and make test PKG="./tests -run Ledger" some tests of one.
test:
	scripts/test $(PKG)

lint:
	go vet ./...
	go tool staticcheck ./...
	go test . -run Language

fmt:
	gofmt -w $$(git ls-files '*.go')
