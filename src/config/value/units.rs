//! Sizes, times and CPUs as people write them. No floating-point number is used in between, so no digit is
//! lost.

use std::time::Duration;

const UNITS: [(&str, u64); 9] = [
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// Why a text is not a size.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoSize {
    Negative,
    TooLarge,
    /// The unit can mean two things. The text says how to write both.
    Unclear(String),
    Other,
}

/// Reads a size such as "480 MB", "1.5 GiB" or "1000".
pub(super) fn size(text: &str) -> Result<u64, NoSize> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(NoSize::Negative);
    }
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let factor = if unit.is_empty() {
        1
    } else if let Some((_, factor)) = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
    {
        *factor
    } else if let "K" | "M" | "G" | "T" | "k" | "m" | "g" | "t" = unit {
        let upper = unit.to_ascii_uppercase();
        return Err(NoSize::Unclear(format!(
            "\"{number} {upper}B\" counts in thousands, \"{number} {upper}iB\" in 1024s"
        )));
    } else {
        return Err(NoSize::Other);
    };
    fixed_point(number, factor)
}

/// A decimal number multiplied by `factor`, rounded down.
fn fixed_point(number: &str, factor: u64) -> Result<u64, NoSize> {
    let number = number.replace('_', "");
    let (whole, part) = number.split_once('.').unwrap_or((&number, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) || part.len() > 15 {
        return Err(NoSize::Other);
    }
    let scaled = || {
        let whole: u128 = whole.parse().ok()?;
        let of: u128 = format!("0{part}").parse().ok()?;
        let ten = 10_u128.pow(u32::try_from(part.len()).ok()?);
        let all = whole.checked_mul(u128::from(factor))? + of * u128::from(factor) / ten;
        u64::try_from(all).ok().filter(|&all| all <= 1 << 62)
    };
    scaled().ok_or(NoSize::TooLarge)
}

/// A number of CPUs in thousandths. `None` if it is not a number.
pub(super) fn cpus(number: &str) -> Option<u32> {
    fixed_point(number.trim(), 1000).ok()?.try_into().ok()
}

/// Writes thousandths of a CPU in decimal: "0.7".
pub(in crate::config) fn cpus_text(milli: u32) -> String {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// A size in the largest unit that needs no rounding.
pub(in crate::config) fn size_text(bytes: u64) -> String {
    for (name, factor) in UNITS {
        if bytes >= factor && bytes.is_multiple_of(factor) {
            return format!("{} {name}", bytes / factor);
        }
        // "1.6 GB" is easier to read than "1600 MB".
        if factor > 10 && bytes >= factor && bytes.is_multiple_of(factor / 10) && factor % 10 == 0 {
            return format!("{}.{} {name}", bytes / factor, bytes / (factor / 10) % 10);
        }
    }
    format!("{bytes} B")
}

/// A size in whole MB, for sums that people compare.
pub(in crate::config) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

/// A time in the largest unit that needs no rounding.
pub(super) fn time_text(time: Duration) -> String {
    let millis = time.as_millis();
    for (name, factor) in [("h", 3_600_000), ("min", 60_000), ("s", 1000)] {
        if millis >= factor && millis.is_multiple_of(factor) {
            return format!("{} {name}", millis / factor);
        }
    }
    format!("{millis} ms")
}

/// The number of an amount of money that was written with its currency or in groups of thousands,
/// such as `$20`, `20 USD` or `1,000`.
pub(super) fn bare_amount(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let digits = ["usd", "us$", "dollars", "dollar", "$"]
        .into_iter()
        .find_map(|unit| text.strip_prefix(unit).or_else(|| text.strip_suffix(unit)))
        .unwrap_or(&text);
    let digits = digits.trim().replace([',', '_', ' '], "");
    let number = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (number && digits.parse::<f64>().is_ok()).then_some(digits)
}

/// The minute of the day, 0 to 1439, of a time such as `04:00`.
pub(super) fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str, below: u16| {
        let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        let number: Option<u16> = two.then(|| digits.parse().ok()).flatten();
        number.filter(|number| *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

/// Writes a minute of the day as a time.
pub(super) fn hour_text(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_day_has_two_digits_twice() {
        for (text, minute) in [("00:00", 0), ("04:05", 245), ("23:59", 1439)] {
            assert_eq!(minute_of_day(text), Some(minute));
            assert_eq!(hour_text(minute), text);
        }
        for text in [
            "", "4", "4:00", "04:0", "24:00", "04:60", "+4:00", "04:00 ", "04:00:00",
        ] {
            assert_eq!(minute_of_day(text), None, "{text}");
        }
    }

    #[test]
    fn an_amount_is_found_in_what_people_write_around_it() {
        for (text, amount) in [
            ("$20", "20"),
            ("20 USD", "20"),
            ("US$ 7.50", "7.50"),
            ("1,000", "1000"),
            ("5 dollars", "5"),
        ] {
            assert_eq!(bare_amount(text).as_deref(), Some(amount), "{text}");
        }
        for text in ["", "$", "ten", "1.2.3", "-5 USD", "20 EUR", "1e3"] {
            assert_eq!(bare_amount(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_in_both_counts() {
        for (text, bytes) in [
            ("480 MB", 480_000_000),
            ("480MB", 480_000_000),
            ("1.5 GiB", 1_610_612_736),
            ("1_000 kb", 1_000_000),
            ("12", 12),
            ("0.1 kB", 100),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_told_apart() {
        assert_eq!(size("-1 MB"), Err(NoSize::Negative));
        assert_eq!(size("99999999999 TB"), Err(NoSize::TooLarge));
        assert!(matches!(size("480M"), Err(NoSize::Unclear(_))));
        for text in ["", "MB", "1 parsec", "1.2.3 MB", "1e3", "é"] {
            assert_eq!(size(text), Err(NoSize::Other), "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for bytes in [
            1,
            999,
            1_600_000_000,
            480_000_000,
            1 << 30,
            3 << 29,
            1_234_567,
            1 << 20,
        ] {
            assert_eq!(size(&size_text(bytes)), Ok(bytes), "{}", size_text(bytes));
        }
        assert_eq!(size_text(1_600_000_000), "1.6 GB");
        assert_eq!(size_text(480_000_000), "480 MB");
        for milli in [1, 700, 1000, 1900, 12_345] {
            assert_eq!(cpus(&cpus_text(milli)), Some(milli));
        }
        assert_eq!(cpus_text(900), "0.9");
        assert_eq!(time_text(Duration::from_secs(90)), "90 s");
        assert_eq!(time_text(Duration::from_millis(1500)), "1500 ms");
    }
}
