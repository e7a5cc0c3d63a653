//! How long work is watched and interrupted.

/// Watches long work: told how far it is, asked whether to stop.
///
/// A watcher never changes a result: work that is cancelled leaves nothing behind.
pub trait Watch: Sync {
    /// `done` of `total` units of work (bytes, rows, steps) are finished.
    fn advance(&self, done: u64, total: u64);

    /// Whether the person running this asked to stop.
    fn is_cancelled(&self) -> bool;
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn advance(&self, _done: u64, _total: u64) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}
