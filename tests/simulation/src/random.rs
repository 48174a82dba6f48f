//! Decisions from a seed.
//!
//! Each is calculated from what it is about, not drawn from a sequence: a request that is left out of a plan changes
//! no decision about the others, so that a failing plan can be made shorter.

/// All decisions of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x51d7_348d_2b66_a1c9))
    }

    /// The number for this question, the same whenever it is asked.
    pub(crate) fn roll(self, about: [u64; 3]) -> u64 {
        about.iter().fold(self.0, |so_far, part| mix(so_far ^ mix(part.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// As [`roll`](Self::roll), below `bound`, which must not be 0.
    pub(crate) fn below(self, bound: u64, about: [u64; 3]) -> u64 {
        self.roll(about) % bound
    }
}

/// The finalizer of `SplitMix64`: neighbouring inputs have unrelated outputs.
const fn mix(number: u64) -> u64 {
    let mut mixed = number;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_questions_have_unrelated_answers_that_stay_the_same() {
        let dice = Dice::new(1);
        assert_eq!(dice.roll([1, 2, 3]), dice.roll([1, 2, 3]));
        let answers: std::collections::HashSet<u64> =
            (0..1000).flat_map(|a| (0..10).map(move |b| dice.below(1 << 40, [a, b, 7]))).collect();
        assert!(answers.len() > 9_990, "{} different answers of 10 000", answers.len());
    }
}
