package webconf

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLighttpdReadsConditionsArraysAndIncludes(t *testing.T) {
	dir := unpack(t, `
-- lighttpd.conf --
server.modules += ( "mod_fastcgi",
                    "mod_proxy" ) # comment
server.port = 80
include "conf.d/*.conf"
$SERVER["socket"] =~ ":80$" {
  $HTTP["host"] =~ "^(a\.b)$" {
    fastcgi.server = ( "/" => (( "socket" => "/run/x.sock", "read-timeout" => 65 )) )
  }
  else $HTTP["url"] =~ "^/x" { alias.url = ( "" => "/dev/null/" ) }
  else
  {
    var.x = "a" + "say \"b\""
  }
}
-- conf.d/a.conf --
server.name = "a"
`)
	tree, err := ReadLighttpd(filepath.Join(dir, "lighttpd.conf"))
	if err != nil {
		t.Fatal(err)
	}
	want := `server.modules["+=" "(" "mod_fastcgi" "," "mod_proxy" ")"] lighttpd.conf:1-2
server.port["=" "80"] lighttpd.conf:3
server.name["=" "a"] conf.d/a.conf:1
$SERVER["socket"]["=~" ":80$"] lighttpd.conf:5-14
  $HTTP["host"]["=~" "^(a\\.b)$"] lighttpd.conf:6-8
    fastcgi.server["=" "(" "/" "=>" "(" "(" "socket" "=>" "/run/x.sock" "," "read-timeout" "=>" "65" ")" ")" ")"] lighttpd.conf:7
  $HTTP["url"]["=~" "^/x" "else"] lighttpd.conf:9
    alias.url["=" "(" "" "=>" "/dev/null/" ")"] lighttpd.conf:9
  else[] lighttpd.conf:10-13
    var.x["=" "a" "+" "say \"b\""] lighttpd.conf:12
`
	if diff := cmp.Diff(want, outline(dir, tree.Children, "")); diff != "" {
		t.Error(diff)
	}
}

func TestHAProxyReadsSections(t *testing.T) {
	dir := unpack(t, `
-- haproxy.cfg --
global
  log stderr # comment
frontend web
  bind 127.0.0.1:80
  http-request set-header X-A "a b" if { path_beg /a\ b }

backend app
  server s unix@/run/x.sock
`)
	tree, err := ReadHAProxy(filepath.Join(dir, "haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	want := `global[] haproxy.cfg:1-2
  log["stderr"] haproxy.cfg:2
frontend["web"] haproxy.cfg:3-5
  bind["127.0.0.1:80"] haproxy.cfg:4
  http-request["set-header" "X-A" "a b" "if" "{" "path_beg" "/a b" "}"] haproxy.cfg:5
backend["app"] haproxy.cfg:7-8
  server["s" "unix@/run/x.sock"] haproxy.cfg:8
`
	if diff := cmp.Diff(want, outline(dir, tree.Children, "")); diff != "" {
		t.Error(diff)
	}
}
