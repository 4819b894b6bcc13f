package main

import (
	"os"

	"github.com/prometheus/procfs"
)

// processes are those whose use of the processor is told apart.
type processes struct {
	servers  []int // bin/lethe's
	database int   // PostgreSQL's first process; those it has started count with it. 0: none
	bus      int   // NATS's, 0: none
}

// spent is processor time in seconds, since the processes or the machine began.
type spent struct {
	Server, Database, Bus float64
	Bench                 float64 // this process: the load generator, and what else the bench does
	Busy, Idle            float64 // of all processors, by anybody; Idle includes waiting for the disk
}

// userHZ is what Linux counts processor time in, on every architecture that Go runs on.
const userHZ = 100

// spent reads it from /proc. Its resolution is 10 ms. Errors: a process that has ended.
func (p processes) spent() (s spent, err error) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return s, err
	}
	whole, err := proc.Stat()
	if err != nil {
		return s, err
	}
	c := whole.CPUTotal
	s.Busy, s.Idle = c.User+c.Nice+c.System+c.IRQ+c.SoftIRQ+c.Steal, c.Idle+c.Iowait
	if s.Bench, err = alone(proc, os.Getpid()); err != nil {
		return s, err
	}
	for _, pid := range p.servers {
		used, err := alone(proc, pid)
		if err != nil {
			return s, err
		}
		s.Server += used
	}
	if p.bus != 0 {
		if s.Bus, err = alone(proc, p.bus); err != nil {
			return s, err
		}
	}
	if p.database != 0 {
		s.Database, err = family(proc, p.database)
	}
	return s, err
}

func alone(proc procfs.FS, pid int) (float64, error) {
	p, err := proc.Proc(pid)
	if err != nil {
		return 0, err
	}
	stat, err := p.Stat()
	return stat.CPUTime(), err
}

// family is a process with all that it has started, those that have ended included.
func family(proc procfs.FS, parent int) (sum float64, err error) {
	all, err := proc.AllProcs()
	if err != nil {
		return 0, err
	}
	for _, p := range all {
		stat, err := p.Stat()
		if err != nil {
			continue // it has ended since
		}
		if stat.PID == parent {
			sum += float64(stat.CUTime+stat.CSTime) / userHZ
		}
		if stat.PID == parent || stat.PPID == parent {
			sum += stat.CPUTime()
		}
	}
	return sum, nil
}

// ran is for how many ms the servers and the database have run, by the scheduler's own count, which is exact. Processes and threads
// that have ended do not count.
func (p processes) ran() (sum float64, err error) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, err
	}
	for _, pid := range p.servers {
		threads, err := proc.AllThreads(pid)
		if err != nil {
			return 0, err
		}
		sum += running(threads)
	}
	if p.database == 0 {
		return sum, nil
	}
	all, err := proc.AllProcs()
	if err != nil {
		return 0, err
	}
	var family procfs.Procs
	for _, one := range all {
		if stat, err := one.Stat(); err == nil && (stat.PID == p.database || stat.PPID == p.database) {
			family = append(family, one)
		}
	}
	return sum + running(family), nil
}

func running(all procfs.Procs) (sum float64) {
	for _, one := range all {
		if s, err := one.Schedstat(); err == nil { // else it has ended since
			sum += float64(s.RunningNanoseconds) / 1e6
		}
	}
	return sum
}

// since is what was spent after earlier.
func (s spent) since(earlier spent) spent {
	return spent{
		Server: s.Server - earlier.Server, Database: s.Database - earlier.Database, Bus: s.Bus - earlier.Bus,
		Bench: s.Bench - earlier.Bench, Busy: s.Busy - earlier.Busy, Idle: s.Idle - earlier.Idle,
	}
}

// resident is a process's resident memory in bytes.
func resident(pid int) (float64, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	stat, err := p.Stat()
	return float64(stat.ResidentMemory()), err
}

// writtenTo is how many bytes a process has given to the disk.
func writtenTo(pid int) (float64, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	io, err := p.IO()
	return float64(io.WriteBytes), err
}
