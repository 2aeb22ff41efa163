//! What a clock on the wall shows.

use std::mem::MaybeUninit;

unsafe extern "C" {
    // Not in the libc crate. It takes nothing, gives nothing, and reads TZ and /etc/localtime
    // (tzset(3)), under a lock of the C library's own.
    safe fn tzset();
}

/// The minute of the day, local time, 0 to 1439, at so many seconds since 1970 (UTC); none if the C
/// library knows no such day.
///
/// A time zone that was changed meanwhile counts. Nothing in this program changes its environment,
/// so nothing races with the C library's look at `TZ`.
#[must_use]
pub fn minute_of_day(seconds: i64) -> Option<u16> {
    // localtime_r(3) need not look at the time zone again by itself.
    tzset();
    let mut broken_down = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both point to memory of our own that is as large as the types say and lives through
    // the call; the C library keeps neither.
    let filled = unsafe { libc::localtime_r(&raw const seconds, broken_down.as_mut_ptr()) };
    if filled.is_null() {
        return None;
    }
    // SAFETY: all zeroes are a valid `tm` (integers and a pointer that is not followed).
    let tm = unsafe { broken_down.assume_init() };
    u16::try_from(tm.tm_hour * 60 + tm.tm_min).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_later_the_clock_shows_another_hour() {
        // No zone changes its clocks at these moments of 2026-02-10.
        let noon = 1_770_724_800;
        let minute = minute_of_day(noon).unwrap();
        assert!(minute < 24 * 60);
        assert_eq!(minute_of_day(noon + 59), Some(minute));
        assert_eq!(minute_of_day(noon + 3600), Some((minute + 60) % (24 * 60)));
        assert_eq!(minute_of_day(noon + 24 * 3600), Some(minute));
    }

    #[test]
    fn a_day_that_nobody_can_count_is_none() {
        assert_eq!(minute_of_day(i64::MAX), None);
    }
}
