# The host's own file. `modgw-host explain listen` tells about a setting, `modgw-host check -c
# /etc/modgw/modgw.hcl` looks for mistakes, and `systemctl reload modgw` puts changes into effect.

apps  = ["apps-enabled/*.hcl"] # modgw-host enable adds one
state = "/var/lib/modgw"

# systemd holds these sockets (modgw.socket), so that a restart refuses no request. To listen elsewhere,
# add a listen block of your own, such as: listen "http" { address = "127.0.0.1:8000" }
listen "fastcgi" {
  address = "unix:/run/modgw/modgw.sock"
  group   = "www-data"
}
listen "http" {
  address = "unix:/run/modgw/http.sock"
  group   = "www-data"
}

control { address = "unix:/run/modgw/control.sock" }

defaults {
  user = "modgw" # of apps that name no user and belong to root; the host itself runs as root
}
