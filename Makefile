.PHONY: build demo test lint fmt

build:
	CGO_ENABLED=0 go build -o bin/modgw-host ./cmd/modgw-host

demo:
	scripts/demo

test:
	scripts/test

lint:
	go vet ./...
	go tool staticcheck ./...

fmt:
	gofmt -w $$(git ls-files '*.go')
