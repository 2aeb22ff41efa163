//! Random numbers that follow from a seed.

/// A number below `sides`.
pub(crate) fn roll(dice: &mut u64, sides: u64) -> u64 {
    // xorshift64*, Vigna 2016: another generator than the machine's own.
    *dice = (*dice).max(1);
    *dice ^= *dice >> 12;
    *dice ^= *dice << 25;
    *dice ^= *dice >> 27;
    (dice.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
}
