//! A small generator of random numbers (SplitMix64, Steele, Lea and Flood 2014): the same seed
//! gives the same run, which a simulation needs and jitter does not mind.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn dice(&mut self) -> u16 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let [.., high, low] = (mixed ^ (mixed >> 31)).to_be_bytes();
        u16::from_be_bytes([high, low])
    }
}
