#!/bin/sh
# What a hostile CGI script tries; the query is NAME=ARGUMENT.
name=${QUERY_STRING%%=*}
argument=${QUERY_STRING#*=}

answer() {
  printf 'Content-Type: text/plain\r\n\r\n%s\n' "$1"
}
try() {
  if out=$("$@" 2>&1); then answer "done $out"; else echo "$out" >&2; answer "denied $out"; fi
}

case $name in
read) try cat "$argument" ;;
write) try tee -a "$argument" ;;
kill) try kill -9 "$argument" ;;
signal-parent) try kill -9 "$PPID" ;;
location) printf 'Location: %s\r\n\r\n' "$argument" ;;
loop) printf 'Location: /cgi/attack.cgi?loop=1\r\n\r\n' ;;
sendfile) printf 'Content-Type: text/plain\r\nX-Sendfile: %s\r\n\r\n' "$argument" ;;
split) printf 'Content-Type: text/plain\r\nX-A: b\rSet-Cookie: stolen=1\r\n\r\ndone split\n' ;;
head) printf 'Content-Type: text/plain\r\n'; yes 'X-A: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' | head -n 100000; printf '\r\ndone head\n' ;;
daemon) setsid sleep 600 </dev/null >/dev/null 2>&1 & answer "left $!" ;;
fork) bomb() { i=0; while [ $i -lt 500 ]; do sleep 3 & i=$((i+1)); done; wait; }
  try bomb ;;
esac
