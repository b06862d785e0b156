// tokio on its current-thread runtime.
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, Mutex, Semaphore};
use tokio::task::yield_now;
use tokio::time::{sleep, sleep_until, Instant, Sleep};

const MANY: u32 = 1_000_000;
const SHARED: u32 = 100_000;
const CONTENDERS: u32 = 1000;

fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages: f64 = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * 4096.0
}

fn tell(name: &str, value: f64) {
    println!("{{\"name\": \"{name}\", \"value\": {value:.2}}}");
}

async fn child(n: u32) -> u32 {
    unsafe { std::ptr::read_volatile(&n) } // Not compiled away.
}

async fn await_child() -> u32 {
    for i in 0..MANY {
        child(i).await;
    }
    MANY
}

async fn spawn() -> u32 {
    for i in 0..MANY {
        tokio::spawn(child(i)).await.unwrap();
    }
    MANY
}

async fn spawn_many() -> u32 {
    let handles: Vec<_> = (0..MANY).map(|i| tokio::spawn(child(i))).collect();
    for handle in handles {
        handle.await.unwrap();
    }
    MANY
}

async fn yield_often() -> u32 {
    for _ in 0..MANY {
        yield_now().await;
    }
    MANY
}

async fn lock() -> u32 {
    let free = Mutex::new(());
    for _ in 0..MANY {
        drop(free.lock().await);
    }
    MANY
}

async fn join<F: Future<Output = ()> + Send + 'static>(count: u32, task: impl Fn() -> F) {
    let handles: Vec<_> = (0..count).map(|_| tokio::spawn(task())).collect();
    for handle in handles {
        handle.await.unwrap();
    }
}

async fn lock_contended() -> u32 {
    let mutex = Arc::new(Mutex::new(()));
    join(CONTENDERS, || {
        let mutex = mutex.clone();
        async move {
            for _ in 0..SHARED / CONTENDERS {
                let _guard = mutex.lock().await;
                yield_now().await;
            }
        }
    })
    .await;
    SHARED
}

async fn semaphore_contended() -> u32 {
    let semaphore = Arc::new(Semaphore::new(3));
    join(CONTENDERS, || {
        let semaphore = semaphore.clone();
        async move {
            for _ in 0..SHARED / CONTENDERS {
                let _permit = semaphore.acquire().await.unwrap();
                yield_now().await;
            }
        }
    })
    .await;
    SHARED
}

async fn queue() -> u32 {
    let (put, mut get) = mpsc::channel(1);
    for i in 0..MANY {
        put.send(i).await.unwrap();
        get.recv().await.unwrap();
    }
    MANY
}

async fn queue_of_two() -> u32 {
    let (put, mut get) = mpsc::channel(100);
    let consumer = tokio::spawn(async move { while get.recv().await.is_some() {} });
    for i in 0..MANY {
        put.send(i).await.unwrap();
    }
    drop(put);
    consumer.await.unwrap();
    MANY
}

struct PolledOnce(Pin<Box<Sleep>>);

impl Future for PolledOnce {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        assert!(self.0.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }
}

// A timer is armed when it is first polled, and cancelled when it is dropped.
async fn timer() -> u32 {
    for i in 0..MANY {
        PolledOnce(Box::pin(sleep(Duration::from_secs(3600 + u64::from(i % 60))))).await;
    }
    MANY
}

async fn fast_food() -> u32 {
    let soda = Arc::new(Mutex::new(()));
    let cooks = Arc::new(Semaphore::new(3));
    join(SHARED, || {
        let (soda, cooks) = (soda.clone(), cooks.clone());
        async move {
            {
                let _machine = soda.lock().await;
                yield_now().await;
            }
            {
                let _cook = cooks.acquire().await.unwrap();
                yield_now().await;
            }
            yield_now().await;
        }
    })
    .await;
    SHARED
}

// To deadlines in no order within 100 ms, far enough ahead for all to be asleep.
async fn sleepers() {
    const SPREAD: u32 = 100_000_000;
    let bytes = resident();
    let first = Instant::now() + Duration::from_secs(4);
    let before = cpu_ns();
    let mut handles = Vec::with_capacity(MANY as usize);
    for i in 0..MANY {
        let after = Duration::from_nanos(u64::from(i.wrapping_mul(2654435761) % SPREAD));
        handles.push(tokio::spawn(sleep_until(first + after)));
    }
    yield_now().await; // Behind all of them.
    tell("sleepers", (cpu_ns() - before) / f64::from(MANY));
    tell("sleeper bytes", (resident() - bytes) / f64::from(MANY));
    for handle in handles {
        handle.await.unwrap();
    }
    let late = Instant::now() - first - Duration::from_nanos(u64::from(SPREAD - 1));
    tell("sleepers late", late.as_secs_f64() * 1000.0);
}

async fn measure(name: &str, wanted: &[String], body: impl Future<Output = u32> + Send) {
    if !wanted.is_empty() && !wanted.iter().any(|one| one == name) {
        return;
    }
    let before = cpu_ns();
    let count = body.await;
    tell(name, (cpu_ns() - before) / f64::from(count));
}

async fn run(wanted: Vec<String>) {
    measure("await", &wanted, await_child()).await;
    measure("spawn", &wanted, spawn()).await;
    measure("spawn many", &wanted, spawn_many()).await;
    measure("yield", &wanted, yield_often()).await;
    measure("lock", &wanted, lock()).await;
    measure("lock contended", &wanted, lock_contended()).await;
    measure("semaphore contended", &wanted, semaphore_contended()).await;
    measure("queue", &wanted, queue()).await;
    measure("queue of two", &wanted, queue_of_two()).await;
    measure("timer", &wanted, timer()).await;
    measure("fast food", &wanted, fast_food()).await;
    if wanted.is_empty() || wanted.iter().any(|one| one == "sleepers") {
        sleepers().await;
    }
}

// In a task of its own, which takes its turns behind the others, as the main one does not.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::spawn(run(std::env::args().skip(1).collect())).await.unwrap();
}
