package sim

import (
	"slices"
	"time"
)

// kind is what a step can be: a call of a tab, or a fault.
type kind struct {
	weight int
	call   func(c *call) error
	fault  func(w *world, s Step) bool // false: there was nothing to strike
}

// kinds are all kinds of step by name.
var kinds map[string]kind

// kindNames are their names in order.
var kindNames []string

func init() {
	kinds = map[string]kind{
		"login":         {weight: 10, call: login},
		"logout":        {weight: 2, call: logout},
		"wipe":          {weight: 1, call: wipe},
		"wipeForce":     {weight: 1, call: wipeForce},
		"send":          {weight: 40, call: send},
		"page":          {weight: 12, call: page},
		"remote":        {weight: 4, call: remote},
		"list":          {weight: 4, call: list},
		"read":          {weight: 6, call: read},
		"draft":         {weight: 2, call: draft},
		"deleteIDs":     {weight: 14, call: deleteIDs},
		"deleteAll":     {weight: 7, call: deleteAll},
		"deleteTime":    {weight: 6, call: deleteTime},
		"deleteUpTo":    {weight: 5, call: deleteUpTo},
		"clear":         {weight: 5, call: clearHistory},
		"deleteList":    {weight: 6, call: deleteConversations},
		"hide":          {weight: 4, call: hideConversation},
		"revoke":        {weight: 4, call: revoke},
		"join":          {weight: 3, call: join},
		"quit":          {weight: 3, call: quit},
		"offline":       {weight: 2, call: offline},
		"online":        {weight: 4, call: online},
		"tab":           {weight: 4, fault: openAnother},
		"closeTab":      {weight: 3, fault: crashTab},
		"powerCut":      {weight: 3, fault: powerCut},
		"serverCrash":   {weight: 3, fault: serverCrash},
		"serverDown":    {weight: 2, fault: serverDown},
		"cut":           {weight: 4, fault: cutLink},
		"halfOpen":      {weight: 3, fault: halfOpen},
		"drop":          {weight: 3, fault: dropTail},
		"duplicate":     {weight: 4, fault: duplicate},
		"delay":         {weight: 5, fault: delayPipe},
		"losePokes":     {weight: 4, fault: losePokes},
		"busDown":       {weight: 3, fault: busDown},
		"busLossy":      {weight: 3, fault: busLossy},
		"partition":     {weight: 3, fault: partition},
		"heal":          {weight: 4, fault: heal},
		"stall":         {weight: 2, fault: stall},
		"full":          {weight: 2, fault: fillDisk},
		"roomAgain":     {weight: 3, fault: emptyDisk},
		"clock":         {weight: 3, fault: jumpClock},
		"serverClock":   {weight: 2, fault: stepServerClock},
		"evict":         {weight: 1, fault: evict},
		"evictKeys":     {weight: 1, fault: evictKeys},
		"evictDatabase": {weight: 1, fault: evictDatabase},
	}
	for name := range kinds {
		kindNames = append(kindNames, name)
	}
	slices.Sort(kindNames)
}

// anyDevice, anyTab and anyLink are what a step names, counted round; nil if there is none.
func (w *world) anyDevice(s Step) *device { return w.devices[s.Who%len(w.devices)] }

func (w *world) anyTab(s Step) *tab {
	var all []*tab
	for _, d := range w.devices {
		all = append(all, d.tabs...)
	}
	if len(all) == 0 {
		return nil
	}
	return all[s.Who%len(all)]
}

func (w *world) anyLink(s Step) *link {
	w.forgetLinks()
	if len(w.links) == 0 {
		return nil
	}
	return w.links[s.Who%len(w.links)]
}

func openAnother(w *world, s Step) bool {
	d := w.anyDevice(s)
	if len(d.tabs) >= 3 {
		return false
	}
	w.begin(d.openTab(), Step{Do: "login"})
	return true
}

func crashTab(w *world, s Step) bool {
	t := w.anyTab(s)
	if t == nil {
		return false
	}
	t.die(s.A%2 == 0)
	return true
}

func powerCut(w *world, s Step) bool {
	d := w.anyDevice(s)
	if len(d.tabs) == 0 {
		return false
	}
	d.powerCut(s.A % 4)
	return true
}

func serverCrash(w *world, s Step) bool { return serverDown(w, s) && serverUp(w) }

// serverDown ends one node, or all of them.
func serverDown(w *world, s Step) bool {
	live := w.live()
	if len(live) == 0 {
		return false
	}
	if s.B%4 > 0 {
		live = live[s.Who%len(live):][:1]
	}
	for _, h := range live {
		if err := w.endNode(h, s.A%2 == 0); err != nil {
			w.fail("%s does not end: %v", h.name, err)
		}
	}
	if len(w.live()) > 0 {
		w.bite("crash of one node of several")
	}
	return true
}

// serverUp starts all nodes that are down.
func serverUp(w *world) bool {
	some := false
	for node, h := range w.hosts {
		if h != nil {
			continue
		}
		if err := w.startNode(node); err != nil {
			w.fail("node %d does not start: %v", node, err)
		}
		some = true
	}
	return some
}

// cutLink ends a connection for both ends; what was on its way is lost.
func cutLink(w *world, s Step) bool {
	l := w.anyLink(s)
	if l == nil {
		return false
	}
	l.up.end(abnormal)
	l.down.end(abnormal)
	return true
}

// halfOpen ends a connection for one end. The other waits for something that never comes.
func halfOpen(w *world, s Step) bool {
	l := w.anyLink(s)
	if l == nil {
		return false
	}
	switch s.A % 3 {
	case 0:
		l.up.end(abnormal)
		l.down.lose()
	case 1:
		l.down.end(abnormal)
		l.up.lose()
	default:
		l.up.lose()
		l.down.lose()
	}
	return true
}

// dropTail loses what is on its way in one direction, and the connection with it.
func dropTail(w *world, s Step) bool {
	l := w.anyLink(s)
	if l == nil {
		return false
	}
	p, o := &l.up, &l.down
	if s.A%2 == 0 {
		p, o = o, p
	}
	p.mu.Lock()
	some := len(p.line) > 0
	if some {
		p.line = append(p.line[:s.B%len(p.line):s.B%len(p.line)], parcel{end: true, code: abnormal})
	}
	p.mu.Unlock()
	if some {
		o.put(parcel{end: true, code: abnormal})
	}
	return some
}

// duplicate has something that is on its way come twice.
func duplicate(w *world, s Step) bool {
	w.forgetLinks()
	for i := range w.links {
		l := w.links[(s.Who+i)%len(w.links)]
		for _, p := range []*pipe{&l.up, &l.down} {
			p.mu.Lock()
			n := len(p.line)
			some := n > 0 && !p.line[0].end && !p.lost
			if some {
				p.line = slices.Insert(p.line, s.B%n, p.line[0])
			}
			p.mu.Unlock()
			if some {
				return true
			}
		}
	}
	return false
}

// delayPipe holds one direction of a connection up, so that newer ones overtake it.
func delayPipe(w *world, s Step) bool {
	l := w.anyLink(s)
	if l == nil {
		return false
	}
	p := &l.up
	if s.A%3 == 0 {
		p = &l.down
	}
	p.until = time.Now().Add(time.Duration(1+s.B%40) * time.Second)
	return true
}

func partition(w *world, s Step) bool {
	d := w.anyDevice(s)
	if d.cutOff {
		return false
	}
	d.cutOff = true
	return true
}

func heal(w *world, s Step) bool {
	up, carries := serverUp(w), w.bus.heal()
	healed := up || carries
	for _, d := range w.devices {
		healed = healed || d.cutOff
		d.cutOff = false
	}
	return healed
}

func stall(w *world, s Step) bool {
	w.stall(time.Duration(1+s.A%20) * time.Second)
	return true
}

func fillDisk(w *world, s Step) bool {
	d := w.anyDevice(s)
	d.disk.full, d.ring.full = true, true
	return true
}

func emptyDisk(w *world, s Step) bool {
	some := false
	for _, d := range w.devices {
		some = some || d.disk.full
		d.disk.full, d.ring.full = false, false
	}
	return some
}

const year = 365 * 24 * time.Hour

func jumpClock(w *world, s Step) bool {
	d := w.anyDevice(s)
	d.skew.set([]time.Duration{-10 * year, 10 * year, -time.Hour, time.Hour, 0}[s.A%5])
	return true
}

func stepServerClock(w *world, s Step) bool {
	k := &w.model.skews[s.Who%len(w.model.skews)]
	if k.now() < -5*time.Hour {
		return false
	}
	k.set(k.now() - time.Hour)
	return true
}

func (w *world) evict(s Step, database, keys bool) bool {
	d := w.anyDevice(s)
	for len(d.tabs) > 0 {
		d.tabs[0].die(true)
	}
	if database {
		d.disk.wipe()
	}
	if keys {
		d.ring.wipe()
	}
	if database || !d.keyless {
		w.books.Lock()
		defer w.books.Unlock()
		d.forget()
	}
	return true
}

func evict(w *world, s Step) bool         { return w.evict(s, true, true) }
func evictKeys(w *world, s Step) bool     { return w.evict(s, false, true) }
func evictDatabase(w *world, s Step) bool { return w.evict(s, true, false) }
