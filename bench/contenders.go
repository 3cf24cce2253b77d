package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// reference is what the others are compared with.
const reference = "nginx"

// A contender is a reverse proxy that adds a bearer token.
type contender struct {
	name    string
	program string // a path, or a name in PATH
	config  string // for replace
	args    func(config string) []string
	version string // the argument that asks for it
	install string // what to do where it is missing
}

// A site is where a contender stands.
type site struct {
	dir      string // its own
	listen   string // host:port
	upstream string // host:port
	tls      bool   // of the upstream
	caFile   string // of the upstream's certificate
	token    string
	tokenURL string
}

// contenders are all of them. Each is set up as its manual says for this task:
// connections kept in both directions, one worker for each core, no log of
// requests.
func contenders(s settings) []contender {
	return []contender{
		{
			name: reference, program: "nginx", config: nginxConfig, version: "-v",
			args:    func(config string) []string { return []string{"-c", config} },
			install: "apt-get install nginx-light",
		},
		{
			name: "haproxy", program: "haproxy", config: haproxyConfig, version: "-v",
			args:    func(config string) []string { return []string{"-q", "-f", config} },
			install: "apt-get install haproxy",
		},
		{
			name: "caddy", program: s.caddy, config: caddyConfig, version: "version",
			args:    func(config string) []string { return []string{"run", "--adapter", "caddyfile", "--config", config} },
			install: "--help says how to get it",
		},
		ours(s),
	}
}

func ours(s settings) contender {
	return contender{
		name: "dvproxy", program: s.proxy, config: dvproxyConfig, version: "version",
		args:    func(config string) []string { return []string{"serve", "--config", config} },
		install: "see --proxy",
	}
}

const nginxConfig = `daemon off;
worker_processes auto;
pid $dir/pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $dir/body; proxy_temp_path $dir/proxy;
  fastcgi_temp_path $dir/fastcgi; uwsgi_temp_path $dir/uwsgi; scgi_temp_path $dir/scgi;
  keepalive_requests 1000000000;
  upstream dataverse { server $upstream; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen $listen;
    location / {
      proxy_pass $scheme://dataverse;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer $token";
    }
  }
}
`

const haproxyConfig = `global
  maxconn 4096
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend local
  bind $listen
  http-request set-header Authorization "Bearer $token"
  default_backend dataverse
backend dataverse
  server one $upstream $haproxytls
`

const caddyConfig = `{
  admin off
  auto_https off
  log {
    level ERROR
  }
}
http://$listen {
  reverse_proxy $scheme://$upstream {
    header_up Authorization "Bearer $token"
    transport http {
      keepalive_idle_conns_per_host 256
      $caddytls
    }
  }
}
`

const dvproxyConfig = `environments:
  - name: bench
    url: $scheme://$upstream
    listen: $listen
    ca_file: "$cafile"
    credential: {client_id: bench, client_secret_file: $dir/secret, token_url: $tokenurl, scope: bench}
admin: {listen: "off"}
log: {level: warn}
`

// command writes the contender's configuration and makes the command that
// runs it in the foreground.
func (c contender) command(at site) (*exec.Cmd, error) {
	scheme, haproxyTLS, caddyTLS := "http", "", ""
	if at.tls {
		scheme, haproxyTLS, caddyTLS = "https", "ssl ca-file "+at.caFile, "tls_trust_pool file "+at.caFile
	}
	text := strings.NewReplacer("$dir", at.dir, "$listen", at.listen, "$upstream", at.upstream, "$scheme", scheme,
		"$tokenurl", at.tokenURL, "$token", at.token, "$cafile", at.caFile, "$haproxytls", haproxyTLS, "$caddytls", caddyTLS).Replace(c.config)
	config := filepath.Join(at.dir, "config")
	for name, text := range map[string]string{config: text, filepath.Join(at.dir, "secret"): "a secret for nobody but this bench"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(c.program, c.args(config)...) //nolint:gosec,noctx // the user names the program; its end is ours to wait for
	cmd.Dir = at.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + at.dir, "TMPDIR=" + at.dir}
	return cmd, nil
}

// versionOf is the first line that a program says about itself.
func (c contender) versionOf() (string, error) {
	out, err := exec.Command(c.program, c.version).CombinedOutput() //nolint:gosec,noctx // ends by itself
	if err != nil {
		return "", fmt.Errorf("%s does not run: %w; %s", c.program, err, c.install)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line), nil
}
