package main

import (
	"bufio"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var addresses = strings.Split(`https://github.com/Org/Repo.git
https://github.com/org/repo/
https://user:secret@github.com/org/repo
git@github.com:Org/Repo.git
git@github.com:org/*
ssh://git@github.com:22/org/repo
ssh://git@github.com/org/repo.git
*
**
!https://github.com/org/*
https://github.com/{a,b}/*
https://github.com/org/[ab]*
https://github.com/org/r?po
https://*.example.com/**
https://git-[ab].example.com/x
https://{a,b}.example.com/x
https://example.com:8443/x.git.git
https://example.com:*/x
https://example.com/a b
https://example.com/a%20b
https://example.com/a%zzb
https://example.com/é/*
https://example.com/a#b
oci://registry.example.com/charts
file:///srv/git/repo.git
/srv/git/repo
srv/git
a:b
1a:b
a@b@c
org-1234@github.com:org/repo
://x
http://localhost:3000/x?y=*
https://[::1]:80/x
user@host
https://example.com/(a)'b'!*
https://example.com/(a) b`, "\n")

var ssh = regexp.MustCompile("^(ssh://)?([^/:]*?)@[^@]+$")

// The steps by which Argo CD compares repositories' addresses, on net/url.
func urls(out *bufio.Writer) {
	for _, address := range addresses {
		text := strings.ToLower(strings.TrimSpace(address))
		if ssh.MatchString(text) && !strings.HasPrefix(text, "ssh://") {
			text = "ssh://" + strings.Replace(text, ":", "/", 1)
		}
		written := ""
		if parsed, err := url.Parse(strings.TrimSuffix(text, ".git")); err == nil {
			written = strings.TrimPrefix(parsed.String(), "ssh://")
		}
		fmt.Fprintf(out, "%s\t%s\n", address, written)
	}
}
