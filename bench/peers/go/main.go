// Command main is the Go contestant: goroutines, channels, select and contexts of the standard
// library. It speaks the protocol of bench/child.ts: `main WORKLOAD` prints "ready", then for each
// count on its standard input the nanoseconds (for `memory:HOLDING`: the bytes) that it took. It prints
// "none" instead if it does not have that one.
package main

import (
	"bufio"
	"container/heap"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A workload does count operations and returns how long they took.
type workload func(count int) time.Duration

var workloads = map[string]workload{
	"W1":  whole(pingPong),
	"W2":  whole(oneWay(0)),
	"W3":  whole(oneWay(128)),
	"W3f": whole(iterate),
	"W4":  whole(manyToMany),
	"W5":  whole(selectOfFour),
	"W5d": whole(selectDefault),
	"W6":  cancel(false),
	"W6r": cancel(true),
	"W7":  whole(tryAll),
	"W8":  priority,
	"W9":  sieve,
}

// A holding makes count of them and returns what keeps them alive.
type holding func(count int) any

var holdings = map[string]holding{
	"channel":  channels,
	"parked":   parked,
	"buffered": buffered,
	"context":  contexts,
}

func main() {
	task := os.Args[1]
	run, known := workloads[task]
	measure := func(count int) int64 { return run(count).Nanoseconds() }
	if name := strings.TrimPrefix(task, "memory:"); name != task {
		var hold holding
		hold, known = holdings[name]
		measure = func(count int) int64 { return weigh(hold, count) }
	}
	if known {
		fmt.Println("ready")
	} else {
		fmt.Println("none")
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		count, err := strconv.Atoi(lines.Text())
		if err != nil {
			panic(err)
		}
		fmt.Println(measure(count))
	}
}

// whole times all of it.
func whole(run func(count int)) workload {
	return func(count int) time.Duration {
		start := time.Now()
		run(count)
		return time.Since(start)
	}
}

func check(sum, count int) {
	if expected := count * (count - 1) / 2; sum != expected {
		panic(fmt.Sprintf("the checksum is %d, not %d", sum, expected))
	}
}

func pingPong(count int) {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for i := 0; i < count; i++ {
			pong <- <-ping
		}
	}()
	sum := 0
	for i := 0; i < count; i++ {
		ping <- i
		sum += <-pong
	}
	check(sum, count)
}

func oneWay(capacity int) func(count int) {
	return func(count int) {
		ch := make(chan int, capacity)
		go func() {
			for i := 0; i < count; i++ {
				ch <- i
			}
		}()
		sum := 0
		for i := 0; i < count; i++ {
			sum += <-ch
		}
		check(sum, count)
	}
}

func iterate(count int) {
	ch := make(chan int, 128)
	go func() {
		for i := 0; i < count; i++ {
			ch <- i
		}
		close(ch)
	}()
	sum := 0
	for value := range ch {
		sum += value
	}
	check(sum, count)
}

func manyToMany(count int) {
	ch := make(chan int, 64)
	sums := make(chan int)
	for p := 0; p < 8; p++ {
		go func() {
			sum := 0
			for i := 0; i < count/8; i++ {
				sum += <-ch
			}
			sums <- sum
		}()
		go func(from int) {
			for i := from; i < count; i += 8 {
				ch <- i
			}
		}(p)
	}
	sum := 0
	for p := 0; p < 8; p++ {
		sum += <-sums
	}
	check(sum, count)
}

func selectOfFour(count int) {
	a, b, c, d := make(chan int), make(chan int), make(chan int), make(chan int)
	for p, ch := range []chan int{a, b, c, d} {
		go func(ch chan<- int, from int) {
			for i := from; i < count; i += 4 {
				ch <- i
			}
		}(ch, p)
	}
	sum := 0
	for i := 0; i < count; i++ {
		select {
		case value := <-a:
			sum += value
		case value := <-b:
			sum += value
		case value := <-c:
			sum += value
		case value := <-d:
			sum += value
		}
	}
	check(sum, count)
}

func selectDefault(count int) {
	a, b, c, d := make(chan int), make(chan int), make(chan int), make(chan int)
	for i := 0; i < count; i++ {
		select {
		case <-a:
		case <-b:
		case <-c:
		case <-d:
		default:
			continue
		}
		panic("an empty channel was ready")
	}
}

// cancel times the calls of cancel only, not how long the goroutines take to end.
func cancel(shuffled bool) workload {
	return func(count int) time.Duration {
		parent, cancelAll := context.WithCancel(context.Background())
		defer cancelAll()
		ch := make(chan int)
		cancels := make([]context.CancelFunc, count)
		var started, ended sync.WaitGroup
		started.Add(count)
		ended.Add(count)
		var cancelled atomic.Int64
		for i := range cancels {
			ctx, cancel := context.WithCancel(parent)
			// The last first.
			cancels[count-1-i] = cancel
			go func() {
				defer ended.Done()
				started.Done()
				select {
				case <-ch:
				case <-ctx.Done():
					cancelled.Add(1)
				}
			}()
		}
		if shuffled {
			shuffle(cancels)
		}
		started.Wait()
		// From there to where they park is not far.
		time.Sleep(50 * time.Millisecond)
		runtime.GC()
		start := time.Now()
		for _, cancel := range cancels {
			cancel()
		}
		took := time.Since(start)
		ended.Wait()
		if n := int(cancelled.Load()); n != count {
			panic(fmt.Sprintf("%d receives were cancelled, not %d", n, count))
		}
		return took
	}
}

func shuffle(cancels []context.CancelFunc) {
	random := lcg(1)
	for i := len(cancels) - 1; i > 0; i-- {
		j := random.next() % (i + 1)
		cancels[i], cancels[j] = cancels[j], cancels[i]
	}
}

// lcg makes numbers of 31 bits, the same ones each time.
type lcg uint32

func (r *lcg) next() int {
	*r = *r*1664525 + 1013904223
	return int(*r >> 1)
}

func tryAll(count int) {
	ch := make(chan int, count)
	for i := 0; i < count; i++ {
		select {
		case ch <- i:
		default:
			panic("the buffer is full too early")
		}
	}
	sum := 0
	for i := 0; i < count; i++ {
		select {
		case value := <-ch:
			sum += value
		default:
			panic("the buffer is empty too early")
		}
	}
	check(sum, count)
}

// ints is the IntHeap of the documentation of container/heap.
type ints []int

func (h ints) Len() int           { return len(h) }
func (h ints) Less(i, j int) bool { return h[i] < h[j] }
func (h ints) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ints) Push(x any)        { *h = append(*h, x.(int)) }
func (h *ints) Pop() any {
	last := len(*h) - 1
	value := (*h)[last]
	*h = (*h)[:last]
	return value
}

type priorityQueue struct {
	mu   sync.Mutex
	heap ints
}

func (q *priorityQueue) put(priority int) {
	q.mu.Lock()
	heap.Push(&q.heap, priority)
	q.mu.Unlock()
}

func (q *priorityQueue) get() int {
	q.mu.Lock()
	priority := heap.Pop(&q.heap).(int)
	q.mu.Unlock()
	return priority
}

func priority(count int) time.Duration {
	const backlog = 100_000
	var queue priorityQueue
	random := lcg(1)
	sum := 0
	for i := 0; i < backlog; i++ {
		value := random.next()
		sum += value
		queue.put(value)
	}
	start := time.Now()
	for i := 0; i < count; i++ {
		value := random.next()
		queue.put(value)
		sum += value - queue.get()
	}
	took := time.Since(start)
	for i, last := 0, 0; i < backlog; i++ {
		value := queue.get()
		if value < last {
			panic("out of order")
		}
		last = value
		sum -= value
	}
	if sum != 0 || queue.heap.Len() != 0 {
		panic("what went in is not what came out")
	}
	return took
}

// sieve is the classic one. After the last prime the generator closes its channel, and each filter
// its own after that; this is not timed.
func sieve(count int) time.Duration {
	start := time.Now()
	var stop atomic.Bool
	numbers := make(chan int)
	go func(out chan<- int) {
		for i := 2; !stop.Load(); i++ {
			out <- i
		}
		close(out)
	}(numbers)
	prime := <-numbers
	for i := 1; i < count; i++ {
		out := make(chan int)
		go filter(numbers, out, prime)
		numbers = out
		prime = <-numbers
	}
	took := time.Since(start)
	stop.Store(true)
	for range numbers {
	}
	if count == 1_000 && prime != 7_919 {
		panic(fmt.Sprintf("the last prime is %d", prime))
	}
	return took
}

func filter(in <-chan int, out chan<- int, prime int) {
	for i := range in {
		if i%prime != 0 {
			out <- i
		}
	}
	close(out)
}

func weigh(hold holding, count int) int64 {
	used := func() int64 {
		for i := 0; i < 3; i++ {
			runtime.GC()
		}
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc + stats.StackInuse)
	}
	before := used()
	kept := hold(count)
	after := used()
	if release, ok := kept.(func()); ok {
		release()
	}
	runtime.KeepAlive(kept)
	return after - before
}

func channels(count int) any {
	all := make([]chan int, count)
	for i := range all {
		all[i] = make(chan int)
	}
	return all
}

func parked(count int) any {
	ch := make(chan int)
	var started, ended sync.WaitGroup
	started.Add(count)
	ended.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			defer ended.Done()
			started.Done()
			<-ch
		}()
	}
	started.Wait()
	time.Sleep(50 * time.Millisecond)
	return func() {
		close(ch)
		ended.Wait()
	}
}

func buffered(count int) any {
	ch := make(chan int, count)
	for i := 0; i < count; i++ {
		ch <- i
	}
	return ch
}

func contexts(count int) any {
	type cancellable struct {
		ctx    context.Context
		cancel context.CancelFunc
	}
	parent, cancelAll := context.WithCancel(context.Background())
	all := make([]cancellable, count)
	for i := range all {
		all[i].ctx, all[i].cancel = context.WithCancel(parent)
	}
	return func() {
		cancelAll()
		runtime.KeepAlive(all)
	}
}
