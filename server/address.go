package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks whose word on an address is taken.
type proxies []netip.Prefix

// parseProxies reads networks (10.0.0.0/8) and single addresses.
func parseProxies(list []string) (p proxies, err error) {
	for _, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			var single netip.Addr
			if single, err = netip.ParseAddr(text); err != nil {
				return nil, fmt.Errorf("server: proxy %q: an address or a network (10.0.0.0/8) is needed", text)
			}
			prefix = netip.PrefixFrom(single.Unmap(), single.Unmap().BitLen())
		}
		p = append(p, prefix.Masked())
	}
	return p, nil
}

func (p proxies) has(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// address is what a peer's connections are counted under: its IP address, of IPv6 the network (a /64 is one customer's).
// Behind a proxy it is the last address in X-Forwarded-For that is no proxy's: those before it are the peer's own words.
// It is empty, so nothing is counted, for this machine itself, where a proxy that was not named or a test stands.
func (p proxies) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	if p.has(a) {
		said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(said) - 1; i >= 0 && p.has(a); i-- {
			next, err := netip.ParseAddr(strings.TrimSpace(said[i]))
			if err != nil {
				break
			}
			a = next.Unmap().WithZone("")
		}
	}
	switch {
	case a.IsLoopback():
		return ""
	case a.Is4():
		return a.String()
	default:
		return netip.PrefixFrom(a, 64).Masked().String()
	}
}
