package webconf

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNginxReadsBlocksQuotesAndIncludes(t *testing.T) {
	dir := unpack(t, `
-- nginx.conf --
user www-data; # a comment; here
http {
  include sites/*.conf;
  log_format main '$remote_addr "$request"'
                  "it\"s";
  map $a $b { default ""; "~^x(?<n>.{2})$" $n; }
  server { location ~ \.php$ { return 200 ${x}y; } }
  content_by_lua_block { if a then b = {1; 2} end }
}
-- sites/one.conf --
server {
  listen 80;
}
`)
	tree, err := ReadNginx(filepath.Join(dir, "nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	want := `user["www-data"] nginx.conf:1
http[] nginx.conf:2-9
  server[] sites/one.conf:1-3
    listen["80"] sites/one.conf:2
  log_format["main" "$remote_addr \"$request\"" "it\"s"] nginx.conf:4-5
  map["$a" "$b"] nginx.conf:6
    default[""] nginx.conf:6
    ~^x(?<n>.{2})$["$n"] nginx.conf:6
  server[] nginx.conf:7
    location["~" "\\.php$"] nginx.conf:7
      return["200" "${x}y"] nginx.conf:7
  content_by_lua_block[] nginx.conf:8
`
	if diff := cmp.Diff(want, outline(dir, tree.Children, "")); diff != "" {
		t.Error(diff)
	}
}
