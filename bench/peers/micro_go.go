// Go: goroutines on one processor. A call that is awaited is no different from another one, so there
// is no such row.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

const (
	million    = 1000000
	shared     = 100000
	contenders = 1000
)

func cpu() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

func tell(name string, value float64) {
	fmt.Printf("{\"name\": \"%s\", \"value\": %.2f}\n", name, value)
}

func spawn() int {
	result := make(chan int)
	for i := 0; i < million; i++ {
		go func(n int) { result <- n }(i)
		<-result
	}
	return million
}

func spawnMany() int {
	var all sync.WaitGroup
	all.Add(million)
	for i := 0; i < million; i++ {
		go all.Done()
	}
	all.Wait()
	return million
}

func yield() int {
	for i := 0; i < million; i++ {
		runtime.Gosched()
	}
	return million
}

func lock() int {
	var free sync.Mutex
	for i := 0; i < million; i++ {
		free.Lock()
		free.Unlock()
	}
	return million
}

func contend(acquire, release func()) int {
	var all sync.WaitGroup
	all.Add(contenders)
	for i := 0; i < contenders; i++ {
		go func() {
			for j := 0; j < shared/contenders; j++ {
				acquire()
				runtime.Gosched()
				release()
			}
			all.Done()
		}()
	}
	all.Wait()
	return shared
}

func lockContended() int {
	var mutex sync.Mutex
	return contend(mutex.Lock, mutex.Unlock)
}

func semaphoreContended() int {
	permits := make(chan struct{}, 3)
	return contend(func() { permits <- struct{}{} }, func() { <-permits })
}

func queue() int {
	items := make(chan int, 1)
	for i := 0; i < million; i++ {
		items <- i
		<-items
	}
	return million
}

func queueOfTwo() int {
	items := make(chan int, 100)
	ended := make(chan struct{})
	go func() {
		for i := 0; i < million; i++ {
			<-items
		}
		close(ended)
	}()
	for i := 0; i < million; i++ {
		items <- i
	}
	<-ended
	return million
}

func timer() int {
	for i := 0; i < million; i++ {
		time.NewTimer(time.Hour).Stop()
	}
	return million
}

func fastFood() int {
	var soda sync.Mutex
	cooks := make(chan struct{}, 3)
	var all sync.WaitGroup
	all.Add(shared)
	for i := 0; i < shared; i++ {
		go func() {
			soda.Lock()
			runtime.Gosched()
			soda.Unlock()
			cooks <- struct{}{}
			runtime.Gosched()
			<-cooks
			runtime.Gosched()
			all.Done()
		}()
	}
	all.Wait()
	return shared
}

func resident() float64 {
	data, _ := os.ReadFile("/proc/self/statm")
	var size, pages float64
	fmt.Sscan(string(data), &size, &pages)
	return pages * 4096
}

// To deadlines in no order within 100 ms, far enough ahead for all to be asleep.
func sleepers() {
	const spread = 100000000
	debug.FreeOSMemory()
	bytes := resident()
	first := time.Now().Add(6 * time.Second)
	before := cpu()
	var all sync.WaitGroup
	all.Add(million)
	for i := uint32(0); i < million; i++ {
		deadline := first.Add(time.Duration(i * 2654435761 % spread))
		go func() {
			time.Sleep(time.Until(deadline))
			all.Done()
		}()
	}
	runtime.Gosched()
	tell("sleepers", (cpu()-before)/million)
	tell("sleeper bytes", (resident()-bytes)/million)
	all.Wait()
	late := time.Since(first.Add(spread - 1))
	tell("sleepers late", float64(late.Microseconds())/1000)
}

func main() {
	runtime.GOMAXPROCS(1)
	rows := []struct {
		name string
		body func() int
	}{
		{"spawn", spawn},
		{"spawn many", spawnMany},
		{"yield", yield},
		{"lock", lock},
		{"lock contended", lockContended},
		{"semaphore contended", semaphoreContended},
		{"queue", queue},
		{"queue of two", queueOfTwo},
		{"timer", timer},
		{"fast food", fastFood},
	}
	wanted := map[string]bool{}
	for _, name := range os.Args[1:] {
		wanted[name] = true
	}
	for _, row := range rows {
		if len(wanted) > 0 && !wanted[row.name] {
			continue
		}
		runtime.GC()
		before := cpu()
		count := row.body()
		tell(row.name, (cpu()-before)/float64(count))
	}
	if len(wanted) == 0 || wanted["sleepers"] {
		sleepers()
	}
}
