//! Kernels compiled for wide registers beside narrow ones, chosen by what the processor has.
//!
//! Only the width of a register differs. The kernels keep their running totals apart and name the
//! order in which these are added, and no product is fused with a sum, so every choice gives the
//! same bits.

use pulp::{Arch, Scalar256b, Simd, WithSimd};

/// Does the work with the widest registers that the processor has: four numbers at a time, in one
/// register, in two, or one by one.
///
/// What the work calls is compiled for them only where it is inlined, so kernels are marked
/// `#[inline(always)]`, and a kernel is a type of its own: the call of a closure is not inlined.
#[inline]
pub fn widest<W: WithSimd>(work: W) -> W::Output {
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V3(wide) => Simd::vectorize(wide, work),
        _ => Simd::vectorize(Scalar256b, work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Running totals of some values.
    struct Totals<'a>(&'a [f64]);

    impl WithSimd for Totals<'_> {
        type Output = [u64; 4];

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> [u64; 4] {
            let mut totals = simd.splat_f64s(0.0);
            for four in S::as_simd_f64s(self.0).0 {
                let product = simd.mul_f64s(*four, simd.splat_f64s(1.1));
                totals = simd.add_f64s(totals, product);
            }
            let totals: [f64; 4] = pulp::cast(totals);
            totals.map(f64::to_bits)
        }
    }

    #[test]
    fn wide_registers_change_no_bit() {
        let values: Vec<f64> = (1..10_000).map(|i| 1.0 / f64::from(i)).collect();
        let narrow = Simd::vectorize(Scalar256b, Totals(&values));
        assert_eq!(widest(Totals(&values)), narrow);
    }
}
