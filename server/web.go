package server

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// web serves index.html and dist/ of a folder that may be a whole repository, and nothing else of it. A file that has a
// sibling with .br or .gz is sent as that to who accepts it.
type web struct {
	files  fs.FS
	policy string // Content-Security-Policy, empty for none
}

var webTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".ts":   "text/plain; charset=utf-8",
	".json": "application/json",
	".map":  "application/json",
	".wasm": "application/wasm",
	".svg":  "image/svg+xml",
	".png":  "image/png",
}

var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

func (h web) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name, ok := webName(r.URL.Path)
	if !ok || !h.serve(w, r, name) {
		http.NotFound(w, r)
	}
}

// webName is the file behind an address, false if the address is none of the page's.
func webName(address string) (string, bool) {
	name := strings.TrimPrefix(address, "/")
	if name == "" {
		name = "index.html"
	}
	if !fs.ValidPath(name) || name != "index.html" && !strings.HasPrefix(name, "dist/") {
		return "", false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return "", false
		}
	}
	return name, true
}

// serve sends a file and tells whether there is one.
func (h web) serve(w http.ResponseWriter, r *http.Request, name string) bool {
	plain, err := fs.Stat(h.files, name)
	if err != nil || !plain.Mode().IsRegular() {
		return false
	}
	header := w.Header()
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "no-cache") // asked again each time, answered 304 by the ETag
	if err := h.secure(header, name, plain.Size()); err != nil {
		return false
	}
	kind, ok := webTypes[path.Ext(name)]
	if !ok {
		kind = "application/octet-stream"
	}
	header.Set("Content-Type", kind)

	accepted := acceptedEncodings(r.Header.Values("Accept-Encoding"))
	best, bestQ := "", 0.0
	suffix := ""
	for _, e := range encodings {
		if q := accepted(e.name); q > bestQ {
			// A sibling from an older build is not this file.
			if packed, err := fs.Stat(h.files, name+e.suffix); err == nil && packed.Mode().IsRegular() && !packed.ModTime().Before(plain.ModTime()) {
				best, bestQ, suffix = e.name, q, e.suffix
			}
		}
	}
	f, err := h.files.Open(name + suffix)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return false
	}
	content, ok := f.(io.ReadSeeker)
	if !ok {
		return false
	}
	if best != "" {
		header.Set("Content-Encoding", best)
	}
	header.Set("ETag", fmt.Sprintf(`"%x-%x%s"`, info.ModTime().UnixNano(), info.Size(), suffix))
	http.ServeContent(w, r, name, info.ModTime(), content)
	return true
}

// acceptedEncodings reads Accept-Encoding: how much (0 … 1) each coding is wanted.
func acceptedEncodings(headers []string) func(coding string) float64 {
	q := map[string]float64{}
	for item := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		weight := 1.0
		if value, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameters), " ", ""), "q="); ok {
			var err error
			if weight, err = strconv.ParseFloat(value, 64); err != nil || weight < 0 || weight > 1 {
				weight = 0
			}
		}
		if coding = strings.ToLower(strings.TrimSpace(coding)); coding != "" {
			q[coding] = weight
		}
	}
	return func(coding string) float64 {
		if w, ok := q[coding]; ok {
			return w
		}
		return q["*"]
	}
}
