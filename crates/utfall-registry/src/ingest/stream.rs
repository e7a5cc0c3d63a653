//! Streaming a file through all threads: read, work and write at the same time, in order.

use rayon::prelude::*;
use utfall_core::Watch;

use super::error::IngestError;
use super::source::Source;

/// Blocks in flight for each thread: enough to even out the work, few enough to stay small.
const BLOCKS_PER_THREAD: usize = 8;

/// Progress over several files and passes.
pub(crate) struct Progress<'w> {
    watch: &'w dyn Watch,
    before: u64,
    total: u64,
}

impl<'w> Progress<'w> {
    pub(crate) fn new(watch: &'w dyn Watch, total: u64) -> Self {
        Self {
            watch,
            before: 0,
            total,
        }
    }

    fn check(&self, n_bytes: u64) -> Result<(), IngestError> {
        if self.watch.is_cancelled() {
            return Err(IngestError::Cancelled);
        }
        self.watch
            .advance((self.before + n_bytes).min(self.total), self.total);
        Ok(())
    }

    /// Counts a file as passed.
    pub(crate) fn pass(&mut self, n_bytes: u64) -> Result<(), IngestError> {
        self.check(n_bytes)?;
        self.before += n_bytes;
        Ok(())
    }
}

/// Works on every block of `source` on any thread, and hands the results to `sink` in order.
///
/// While some blocks are worked on, the next are read and the previous are written. The number
/// of threads decides how many, and so the memory, but never the order.
pub(crate) fn stream<S: Source, R: Send>(
    source: &mut S,
    progress: &Progress<'_>,
    work: impl Fn(&S::Block) -> R + Sync,
    mut sink: impl FnMut(R) -> Result<(), IngestError> + Send,
) -> Result<(), IngestError> {
    let n_blocks = BLOCKS_PER_THREAD * rayon::current_num_threads();
    let mut current = read_some(source, n_blocks)?;
    let mut done: Vec<R> = Vec::new();
    while !(current.is_empty() && done.is_empty()) {
        progress.check(source.n_bytes())?;
        let finished = std::mem::take(&mut done);
        let ((results, next), sunk) = rayon::join(
            || {
                rayon::join(
                    || current.par_iter().map(&work).collect::<Vec<R>>(),
                    || {
                        if current.is_empty() {
                            Ok(Vec::new())
                        } else {
                            read_some(source, n_blocks)
                        }
                    },
                )
            },
            || finished.into_iter().try_for_each(&mut sink),
        );
        sunk?;
        (done, current) = (results, next?);
    }
    Ok(())
}

fn read_some<S: Source>(source: &mut S, n_blocks: usize) -> Result<Vec<S::Block>, IngestError> {
    let mut blocks = Vec::with_capacity(n_blocks);
    while blocks.len() < n_blocks {
        match source.next_block()? {
            Some(block) => blocks.push(block),
            None => break,
        }
    }
    Ok(blocks)
}
