//! One reader, several cleaners, one writer: batches are cleaned on any thread and arrive in the order of the file.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, scope};

use super::clean_batch::CleanBatch;
use super::error::ExtractError;
use super::raw_batch::RawBatch;

/// Row rules are evaluated by recursion over their expressions.
const STACK_BYTES: usize = 16 << 20;

/// Takes a batch from the reader; `Break` when nobody wants more.
pub type Sink<'s> = dyn FnMut(RawBatch) -> ControlFlow<()> + 's;

struct Job {
    raw: RawBatch,
    done: SyncSender<Result<CleanBatch, ExtractError>>,
}

/// Runs `read` on a thread of its own and `clean` on `threads` others; `load` gets the batches in the reader's order.
/// Memory holds a few batches a thread. With one thread everything happens on the caller's.
///
/// # Errors
/// The first error in the order of the file, or when no thread can be started.
pub fn run<R: Send>(
    threads: NonZeroUsize,
    read: impl FnOnce(&mut Sink<'_>) -> R + Send,
    clean: impl Fn(&RawBatch) -> Result<CleanBatch, ExtractError> + Sync,
    mut load: impl FnMut(CleanBatch) -> Result<(), ExtractError>,
) -> Result<R, ExtractError> {
    if threads.get() == 1 {
        return run_alone(read, clean, load);
    }
    let no_thread = |source| ExtractError::NoThread { source };
    scope(|scope| {
        let (job_sender, jobs) = sync_channel::<Job>(threads.get());
        let (order_sender, order) = sync_channel(threads.get() * 2);
        let jobs = Mutex::new(jobs);
        let (jobs, clean) = (&jobs, &clean);
        // A second scope, so that the queue outlives those who wait at it.
        std::thread::scope(|workers| {
            for _ in 0..threads.get() {
                Builder::new()
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(workers, move || {
                        while let Some(job) = next(jobs) {
                            // Nobody waits for it any more when the load has failed.
                            let _ = job.done.send(clean(&job.raw));
                        }
                    })
                    .map_err(no_thread)?;
            }
            let reader = Builder::new()
                .spawn_scoped(scope, move || {
                    read(&mut |raw| hand_on(raw, &order_sender, &job_sender))
                })
                .map_err(no_thread)?;
            let loaded = load_in_order(order, &mut load);
            let read = reader.join();
            loaded?;
            match read {
                Ok(read) => Ok(read),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    })
}

fn run_alone<R>(
    read: impl FnOnce(&mut Sink<'_>) -> R,
    clean: impl Fn(&RawBatch) -> Result<CleanBatch, ExtractError>,
    mut load: impl FnMut(CleanBatch) -> Result<(), ExtractError>,
) -> Result<R, ExtractError> {
    let mut failure = None;
    let read = read(&mut |raw| match clean(&raw).and_then(&mut load) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    });
    failure.map_or(Ok(read), Err)
}

type Cleaned = Receiver<Result<CleanBatch, ExtractError>>;

fn hand_on(raw: RawBatch, order: &SyncSender<Cleaned>, jobs: &SyncSender<Job>) -> ControlFlow<()> {
    let (done, cleaned) = sync_channel(1);
    let handed_on = order.send(cleaned).is_ok() && jobs.send(Job { raw, done }).is_ok();
    if handed_on {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}

fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().ok()?.recv().ok()
}

fn load_in_order(
    order: Receiver<Cleaned>,
    load: &mut impl FnMut(CleanBatch) -> Result<(), ExtractError>,
) -> Result<(), ExtractError> {
    for cleaned in order {
        // A cleaner that died tells by its panic, which the scope hands on.
        let Ok(batch) = cleaned.recv() else {
            return Ok(());
        };
        load(batch?)?;
    }
    Ok(())
}
