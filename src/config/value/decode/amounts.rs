//! Amounts with a unit: memory, processors and time.

use std::time::Duration;

use super::{RANGE, Raw, RawValue, Value, ValueKind, Wrong, units};

/// The smallest CPU time that the kernel accepts: 1 ms in every 100.
const LEAST_MILLI: u32 = 10;
/// More CPUs than any machine has.
const MOST_MILLI: u32 = 8_192_000;
/// A time that is longer than this is a mistake.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

impl ValueKind {
    pub(super) fn size(self, raw: &Raw) -> Result<Value, Wrong> {
        let text = match &raw.is {
            RawValue::Text(text) if text == "none" => return Ok(Value::Size(None)),
            RawValue::Text(text) | RawValue::Number(text) => text,
            _ => return Err(self.wrong_type(raw)),
        };
        match units::size(text) {
            Ok(bytes) => Ok(Value::Size(Some(bytes))),
            Err(units::NoSize::Negative) => Err(self.error(
                raw,
                "is below zero",
                format!("expected {}", self.expected()),
            )),
            Err(units::NoSize::TooLarge) => {
                Err(self.error(raw, RANGE, "no machine has that much memory".into()))
            }
            Err(units::NoSize::Unclear(both)) => Err(Wrong {
                help: Some(both),
                ..self.error(raw, "is not clear", "thousands or 1024s?".into())
            }),
            Err(units::NoSize::Other) => Err(self.unreadable(raw)),
        }
    }

    pub(super) fn cpus(self, raw: &Raw) -> Result<Value, Wrong> {
        match &raw.is {
            RawValue::Text(text) if text == "none" => Ok(Value::Cpus(None)),
            RawValue::Number(digits) => match units::cpus(digits) {
                Some(0) => Err(self.error(raw, RANGE, "with 0 CPUs it would never run".into())),
                Some(milli) if (LEAST_MILLI..=MOST_MILLI).contains(&milli) => {
                    Ok(Value::Cpus(Some(milli)))
                }
                _ => Err(self.error(raw, RANGE, "expected 0.01 CPUs or more".into())),
            },
            _ => Err(self.wrong_type(raw)),
        }
    }

    pub(super) fn time(self, raw: &Raw) -> Result<Value, Wrong> {
        let text = match &raw.is {
            RawValue::Text(text) => text,
            RawValue::Number(digits) => {
                let mut wrong = self.wrong_type(raw);
                wrong.help = Some(format!("with its unit: \"{digits} s\""));
                return Err(wrong);
            }
            _ => return Err(self.wrong_type(raw)),
        };
        let time = humantime::parse_duration(text).map_err(|_| self.unreadable(raw))?;
        if time.is_zero() || time > LONGEST {
            let label = "expected more than nothing and at most 7 days".to_owned();
            return Err(self.error(raw, RANGE, label));
        }
        Ok(Value::Time(time))
    }

    pub(super) fn hour(self, raw: &Raw) -> Result<Value, Wrong> {
        let text = self.text(raw)?;
        if text == "none" {
            return Ok(Value::Hour(None));
        }
        let minute = units::minute_of_day(text).ok_or_else(|| self.unreadable(raw))?;
        Ok(Value::Hour(Some(minute)))
    }
}
