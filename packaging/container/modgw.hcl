# The host's own file in a container: apps are mounted at /etc/modgw/apps-enabled.
apps  = ["apps-enabled/*.hcl"]
state = "/var/lib/modgw"

listen "http" { address = "0.0.0.0:8000" }
