{{range .Notes}}# {{.}}
{{end -}}
job {{text "name" .Name}} {
    type = "service"
    group {{text "name" .Name}} {
        count = 2
        update {
            max_parallel = 1
            canary = 1
            auto_promote = true
            auto_revert = true
            min_healthy_time = "5s"
            healthy_deadline = "{{.HealthyWithin}}s"
            progress_deadline = "{{.ProgressWithin}}s"
        }
        network {
            port "http" {
                to = {{.Port}}
            }
        }
        service {
            name = {{text "name" .Name}}
            port = "http"
            provider = "nomad"
            check {
{{- if .Probe.Path}}
                type = "http"
                path = {{text "health path" .Probe.Path}}
{{- with .Probe.Host}}
                header {
                    Host = [{{text "host" .}}]
                }
{{- end}}
{{- else}}
                type = "tcp"
{{- end}}
                interval = "{{.Probe.Period}}s"
                timeout = "{{.Probe.Timeout}}s"
            }
        }
        task {{text "name" .Name}} {
            driver = "docker"
            # The client has to allow this time: max_kill_timeout.
            kill_timeout = "{{.KillTimeout}}s"
            shutdown_delay = "{{.PreStop}}s"
            config {
                image = {{text "image" .Image}}
                ports = ["http"]
{{- with .Tasks}}
                pids_limit = {{.}}
{{- end}}
{{- range .Files}}
                mount {
                    type = "bind"
                    source = {{text "secret" (print "secrets/" (secretID .))}}
                    target = {{text "secret" .}}
                    readonly = true
                }
{{- end}}
            }
            env {
                PORT = "{{.Port}}"
            }
{{- range .Files}}
            template {
                data = {{text "template" (variable .)}}
                destination = {{text "secret" (print "secrets/" (secretID .))}}
                change_mode = "restart"
            }
{{- end}}
{{- if or .CPU .Memory}}
            resources {
{{- with .CPU}}
                cpu = {{.}}
{{- end}}
{{- with .Memory}}
                memory = {{.}}
{{- end}}
            }
{{- end}}
        }
    }
}
