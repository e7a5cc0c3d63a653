//! Refusals of parallel work in one order, whatever the number of threads.

use rayon::prelude::*;

/// Collects parallel results as a loop over them would.
///
/// Rayon's own collection into a `Result` keeps whichever refusal a thread meets first; a user
/// would be told of another fault on every run.
///
/// # Examples
///
/// ```
/// use rayon::prelude::*;
/// use utfall_stats::InOrder;
///
/// let odd = |n: u32| if n % 2 == 0 { Ok(n) } else { Err(n) };
/// let all: Result<Vec<u32>, u32> = (0..1_000_u32).into_par_iter().map(odd).in_order();
/// assert_eq!(all, Err(1));
/// ```
pub trait InOrder<T, E> {
    /// Every value, or the refusal that stands first.
    ///
    /// # Errors
    ///
    /// The refusal with the lowest place.
    fn in_order(self) -> Result<Vec<T>, E>;
}

impl<I, T, E> InOrder<T, E> for I
where
    I: ParallelIterator<Item = Result<T, E>>,
    T: Send,
    E: Send,
{
    fn in_order(self) -> Result<Vec<T>, E> {
        self.collect::<Vec<Result<T, E>>>().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_that_stands_first_is_told_on_every_run() {
        for _ in 0..200 {
            let all = (0..512_u32).into_par_iter().map(Err::<(), u32>).in_order();
            assert_eq!(all, Err(0));
        }
    }
}
