package doctor

import (
	"fmt"
	"slices"
	"strings"
)

func (n *nginx) checkBody(p *place) []Finding {
	d := effective(p.route.section, "client_max_body_size")
	limit, at := int64(1<<20), p.route.at
	if d != nil {
		limit, at = bytesOf(d.Arg(0)), d
	}
	if limit <= 0 || p.app.Limits.Body > 0 && limit >= p.app.Limits.Body {
		return nil
	}
	line := fmt.Sprintf("client_max_body_size %d;", max(p.app.Limits.Body, 0))
	f := p.finding("MGW-DOC-009", size(limit), bodyLimit(p.app)).at(at, "client_max_body_size")
	if d != nil && d.Parent == p.route.section {
		return []Finding{f.by(line, replace(d, line))}
	}
	return []Finding{f.by(line, within(p, line))}
}

func (n *nginx) checkBuffering(p *place) (found []Finding) {
	for _, d := range effectiveList(p.route.section, p.module()+"_ignore_headers") {
		if i := slices.IndexFunc(d.Args, func(a string) bool { return strings.EqualFold(a, "X-Accel-Buffering") }); i >= 0 {
			args := slices.Delete(slices.Clone(d.Args), i, i+1)
			f := p.finding("MGW-DOC-003").at(d, d.Name)
			if len(args) == 0 {
				found = append(found, f.by("remove this line", remove(d)))
			} else {
				line := d.Name + " " + strings.Join(args, " ") + ";"
				found = append(found, f.by(line, replace(d, line)))
			}
		}
	}
	if d := effective(p.route.section, p.module()+"_buffer_size"); d != nil {
		if n := bytesOf(d.Arg(0)); n >= 0 && n < 4096 {
			line := d.Name + " 32k;"
			buffers := p.module() + "_buffers 4 32k;"
			edits := []edit{replace(d, line)}
			if e := effective(p.route.section, p.module()+"_buffers"); e == nil {
				edits = append(edits, within(p, buffers))
			} else {
				edits = append(edits, replace(e, buffers))
			}
			if e := effective(p.route.section, p.module()+"_busy_buffers_size"); e != nil {
				edits = append(edits, remove(e)) // it must fit the others
			}
			found = append(found, p.finding("MGW-DOC-017").at(d, d.Name).by(line, edits...))
		}
	}
	if d := effective(p.site.at, "large_client_header_buffers"); d != nil {
		if n := bytesOf(d.Arg(1)); n >= 0 && n < 8192 {
			const line = "large_client_header_buffers 4 8k;"
			found = append(found, p.finding("MGW-DOC-010").at(d, d.Name).by(line, replace(d, line)))
		}
	}
	return found
}
