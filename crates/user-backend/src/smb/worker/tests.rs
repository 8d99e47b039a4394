use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::clock::now;

fn never() -> Instant {
    now() + Duration::from_secs(3600)
}

/// Keeps the thread busy until released; returns when it is busy.
async fn occupy(worker: &Arc<Worker>) -> (Sender<()>, tokio::task::JoinHandle<Result<(), BackendError>>) {
    let (started, is_busy) = oneshot::channel();
    let (release, released): (Sender<()>, Receiver<()>) = channel();
    let own = Arc::clone(worker);
    let task = tokio::spawn(async move {
        own.run(never(), move || {
            started.send(()).unwrap();
            let _ = released.recv();
        })
        .await
    });
    is_busy.await.unwrap();
    (release, task)
}

/// Polls until the future waits for something.
async fn until_it_waits<F: Future>(future: std::pin::Pin<&mut F>) {
    let mut future = Some(future);
    std::future::poll_fn(|context| {
        if let Some(future) = future.take() {
            assert!(future.poll(context).is_pending());
        }
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn first_come_first_served() {
    let worker = Arc::new(Worker::start(8).unwrap());
    let (release, busy) = occupy(&worker).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for number in 0..8 {
        let order = Arc::clone(&order);
        let worker = Arc::clone(&worker);
        let mut run =
            Box::pin(async move { worker.run(never(), move || order.lock().unwrap().push(number)).await });
        until_it_waits(run.as_mut()).await;
        waiting.push(run);
    }
    release.send(()).unwrap();
    busy.await.unwrap().unwrap();
    // Awaited in another order than they came.
    for run in waiting.into_iter().rev() {
        run.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..8).collect::<Vec<_>>());
}

#[tokio::test]
async fn t24_full_queue_is_unavailable_at_once() {
    let worker = Arc::new(Worker::start(1).unwrap());
    let (release, busy) = occupy(&worker).await;
    let mut waits = Box::pin(worker.run(never(), || 1));
    until_it_waits(waits.as_mut()).await;
    let fault = worker.run(never(), || 2).await.unwrap_err();
    assert_eq!((fault.phase(), fault.detail()), (Phase::Login, "too many logins wait for libsmbclient"));
    release.send(()).unwrap();
    busy.await.unwrap().unwrap();
    assert_eq!(waits.await.unwrap(), 1);
}

#[tokio::test]
async fn abandoned_request_is_not_served() {
    let worker = Arc::new(Worker::start(4).unwrap());
    let (release, busy) = occupy(&worker).await;
    let ran = Arc::new(Mutex::new(Vec::new()));
    let push = |name: &'static str| {
        let ran = Arc::clone(&ran);
        move || ran.lock().unwrap().push(name)
    };
    let mut gone = Box::pin(worker.run(never(), push("gone")));
    until_it_waits(gone.as_mut()).await;
    let mut stays = Box::pin(worker.run(never(), push("stays")));
    until_it_waits(stays.as_mut()).await;
    drop(gone);
    release.send(()).unwrap();
    busy.await.unwrap().unwrap();
    stays.await.unwrap();
    assert_eq!(*ran.lock().unwrap(), ["stays"]);
}

#[tokio::test(start_paused = true)]
async fn deadline_holds_on_a_busy_thread_and_the_job_is_dropped() {
    // Paused time runs on while the runtime is idle, so the thread is watched by channels that
    // block the test.
    let worker = Worker::start(4).unwrap();
    let (release, released): (Sender<()>, Receiver<()>) = channel();
    worker.queue.send(Box::new(move || released.recv().unwrap())).unwrap();
    let (ran, runs) = channel();
    let late = ran.clone();
    let deadline = now() + Duration::from_secs(15);
    let fault = worker.run(deadline, move || late.send("late").unwrap()).await.unwrap_err();
    assert_eq!(fault.detail(), "other logins kept libsmbclient busy until time was up");
    assert!(now() >= deadline);
    release.send(()).unwrap();
    worker.queue.send(Box::new(move || ran.send("last").unwrap())).unwrap();
    assert_eq!(runs.recv().unwrap(), "last");
}

#[tokio::test]
async fn panic_is_an_outage_and_the_thread_lives_on() {
    let worker = Worker::start(4).unwrap();
    let fault = worker.run(never(), || panic!("for the test")).await.unwrap_err();
    assert_eq!(fault.detail(), "the call of libsmbclient broke down");
    let first = worker.run(never(), || thread::current().id()).await.unwrap();
    worker.run(never(), || panic!("for the test")).await.unwrap_err();
    assert_eq!(worker.run(never(), || thread::current().id()).await.unwrap(), first);
}
