//! An axis: which numbers it spans, where they fall, and round numbers to mark on it.

/// Maps numbers linearly onto pixels, over a span that starts and ends on a tick.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    from: f64,
    to: f64,
    pixel_from: f64,
    pixel_to: f64,
    step: f64,
    decimals: usize,
}

impl Scale {
    /// A scale over `values` (those that are finite), with about `n_ticks` marks and always some width.
    ///
    /// Steps are 1, 2 or 5 times a power of ten, so that a reader can count them.
    pub(crate) fn over(
        values: impl IntoIterator<Item = f64>,
        n_ticks: u32,
        pixel_from: f64,
        pixel_to: f64,
    ) -> Self {
        let mut lowest = f64::INFINITY;
        let mut highest = f64::NEG_INFINITY;
        for value in values.into_iter().filter(|value| value.is_finite()) {
            lowest = lowest.min(value);
            highest = highest.max(value);
        }
        if lowest > highest {
            (lowest, highest) = (0.0, 1.0);
        }
        if highest - lowest <= f64::EPSILON * highest.abs().max(1.0) {
            (lowest, highest) = (lowest - 0.5, highest + 0.5);
        }
        let (step, decimals) = nice_step((highest - lowest) / f64::from(n_ticks.max(1)));
        let from = (lowest / step).floor() * step;
        let to = (highest / step).ceil() * step;
        Self {
            from,
            to,
            pixel_from,
            pixel_to,
            step,
            decimals,
        }
    }

    /// Where a number falls, in pixels.
    pub(crate) fn pixel(&self, value: f64) -> f64 {
        let share = ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        self.pixel_from + share * (self.pixel_to - self.pixel_from)
    }

    /// The marked numbers, in order.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let first = (self.from / self.step).round();
        let n_steps = ((self.to - self.from) / self.step).round();
        let mut ticks = Vec::new();
        let mut index = 0.0;
        while index <= n_steps {
            ticks.push((first + index) * self.step);
            index += 1.0;
        }
        ticks
    }

    /// Decimals that tell two marks apart.
    pub(crate) fn decimals(&self) -> usize {
        self.decimals
    }
}

/// The least of 1, 2, 5 × 10^k that is no smaller than `rough`, and its decimals.
fn nice_step(rough: f64) -> (f64, usize) {
    let mut power = 1.0;
    let mut decimals = 0;
    while power > rough && decimals < 12 {
        power /= 10.0;
        decimals += 1;
    }
    while power * 10.0 <= rough {
        power *= 10.0;
    }
    for factor in [1.0, 2.0, 5.0] {
        if factor * power >= rough * (1.0 - 1e-9) {
            return (factor * power, decimals);
        }
    }
    (10.0 * power, decimals.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_that_enclose_the_values() {
        let scale = Scale::over([-8.1, -4.0, 0.0], 5, 0.0, 100.0);
        assert_eq!(scale.ticks(), [-10.0, -8.0, -6.0, -4.0, -2.0, 0.0]);
        assert_eq!(scale.decimals(), 0);
    }

    #[test]
    fn small_numbers_get_the_decimals_they_need() {
        let scale = Scale::over([0.0, 0.43], 5, 0.0, 100.0);
        let texts: Vec<String> = scale
            .ticks()
            .iter()
            .map(|tick| format!("{tick:.*}", scale.decimals()))
            .collect();
        assert_eq!(texts, ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
    }

    #[test]
    fn ends_map_to_the_ends_of_the_axis() {
        let scale = Scale::over([0.0, 1.0], 5, 20.0, 120.0);
        assert!((scale.pixel(0.0) - 20.0).abs() < 1e-9);
        assert!((scale.pixel(1.0) - 120.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_to_span_still_makes_an_axis() {
        for values in [vec![], vec![f64::NAN], vec![3.0, 3.0]] {
            let ticks = Scale::over(values, 5, 0.0, 1.0).ticks();
            assert!(ticks.len() >= 2 && ticks.iter().all(|tick| tick.is_finite()));
        }
    }
}
