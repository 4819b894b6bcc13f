package server

import (
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
)

// WebPolicy is the default Content-Security-Policy of the web folder: what a page with Lethe needs, and nothing else. The core
// is WebAssembly in a worker made of a blob; connect-src 'self' has the WebSocket in it.
const WebPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; " +
	"style-src 'self'; img-src 'self' data: blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// NoPolicy leaves the policy to the page or to a proxy.
const NoPolicy = "none"

func newWeb(files fs.FS, policy string) web {
	switch policy {
	case "":
		policy = WebPolicy
	case NoPolicy:
		policy = ""
	}
	return web{files, policy}
}

// secure sets the headers that keep a page to its own. A page's own inline scripts are let run by their hashes, so that what
// is injected into it later is not.
func (h web) secure(header http.Header, name string, size int64) error {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	if h.policy == "" {
		return nil
	}
	policy := h.policy
	if strings.HasSuffix(name, ".html") && size <= largestPage {
		page, err := fs.ReadFile(h.files, name)
		if err != nil {
			return err
		}
		policy = withInlineScripts(policy, string(page))
	}
	header.Set("Content-Security-Policy", policy)
	return nil
}

// largestPage is up to what size, in bytes, a page is searched for inline scripts.
const largestPage = 1 << 20

var (
	scripts   = regexp.MustCompile(`(?is)<script\b([^>]*)>(.*?)</script`)
	hasSource = regexp.MustCompile(`(?i)\bsrc\s*=`)
	// A browser hashes the text as its parser sees it.
	newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")
)

// withInlineScripts adds the hashes of a page's inline scripts to the policy's script-src.
func withInlineScripts(policy, page string) string {
	var hashes strings.Builder
	for _, found := range scripts.FindAllStringSubmatch(page, -1) {
		if hasSource.MatchString(found[1]) {
			continue
		}
		hash := sha256.Sum256([]byte(newlines.Replace(found[2])))
		hashes.WriteString(" 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'")
	}
	return strings.Replace(policy, "script-src 'self'", "script-src 'self'"+hashes.String(), 1)
}
