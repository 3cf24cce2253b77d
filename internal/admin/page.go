package admin

import (
	_ "embed"
	"html/template"
	"net/http"
	"time"
)

//go:embed page.html
var pageText string

// page shows the state to a person. It has no script, and needs nothing from
// anywhere else.
func (o Options) page() http.Handler {
	text := template.Must(template.New("page").Parse(pageText))
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		type row struct {
			Environment
			Token          Token
			Runway, Renews string
		}
		all := struct {
			Ready, Draining bool
			Environments    []row
			Version, Uptime string
		}{Ready: true, Draining: o.Draining(), Version: o.Version, Uptime: roughly(time.Since(o.Started))}
		for _, e := range o.Environments {
			t := e.Token()
			all.Ready = all.Ready && t.Live
			all.Environments = append(all.Environments, row{e, t, roughly(t.Runway), in(time.Until(t.Renews))})
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		_ = text.Execute(w, all)
	})
}

// in is a time to come, which may be past.
func in(d time.Duration) string {
	if d <= 0 {
		return "now"
	}
	return "in " + roughly(d)
}

// roughly leaves out what nobody reads.
func roughly(d time.Duration) string {
	switch {
	case d >= time.Hour:
		d = d.Round(time.Minute)
		text := d.String()
		return text[:len(text)-len("0s")]
	case d >= time.Minute:
		return d.Round(time.Second).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
