//! The budget: a name or an amount.

use super::{RANGE, Raw, RawValue, Value, ValueKind, Wrong, nearest, units};
use crate::config::value::BudgetWords;

/// The least budget, a cent. There is always a budget, and the service that counts it may take 0 to mean that
/// there is none.
const LEAST_USD: f64 = 0.01;
/// The largest budget. Far above it a double can no longer count the cost of a single request.
const MOST_USD: f64 = 1_000_000_000.0;

const A_SHELL_MAKES_0: &str = "of $20 a shell makes 0, so write 20";
const THERE_IS_ALWAYS_ONE: &str =
    "\"unlimited\" is 1000 US dollars: a budget is a brake, so there is always one";

impl ValueKind {
    pub(super) fn budget(self, raw: &Raw, words: &BudgetWords) -> Result<Value, Wrong> {
        let digits = match &raw.is {
            RawValue::Text(text) => {
                return match text.as_str() {
                    "test" => Ok(Value::Usd(15.0)),
                    "prod" => Ok(Value::Usd(200.0)),
                    "unlimited" => Ok(Value::Usd(1000.0)),
                    _ => Err(self.no_budget(raw, text)),
                };
            }
            RawValue::Number(digits) => digits,
            _ => return Err(self.wrong_type(raw)),
        };
        let wrong = |is, label: String, help: &str| Wrong {
            help: Some(help.to_owned()),
            ..self.error(raw, is, label)
        };
        match digits.parse::<f64>() {
            Ok(usd) if (LEAST_USD..=MOST_USD).contains(&usd) => Ok(Value::Usd(usd)),
            Ok(usd) if usd < 0.0 => Err(wrong(
                "is below zero",
                format!("expected {LEAST_USD} or more"),
                words.instead,
            )),
            Ok(usd) if usd < LEAST_USD => Err(wrong(
                "is too small",
                format!("expected {LEAST_USD} or more: {}", words.no_zero),
                &if digits == "0" {
                    format!("{}; {A_SHELL_MAKES_0}", words.instead)
                } else {
                    words.instead.to_owned()
                },
            )),
            Ok(usd) if usd.is_finite() => Err(wrong(
                RANGE,
                format!("expected at most {MOST_USD} US dollars"),
                THERE_IS_ALWAYS_ONE,
            )),
            _ => Err(wrong(
                "is no amount",
                "not a finite number".into(),
                THERE_IS_ALWAYS_ONE,
            )),
        }
    }

    /// A text that is not the name of a budget, with the name that was probably meant.
    fn no_budget(self, raw: &Raw, text: &str) -> Wrong {
        let mut wrong = self.unreadable(raw);
        wrong.help = self
            .unquoted(raw)
            .or_else(|| {
                let amount = units::bare_amount(text)?;
                Some(format!("write the number alone: {amount}"))
            })
            .or_else(|| {
                nearest(text, ["test", "prod", "unlimited"])
                    .map(|word| format!("did you mean \"{word}\"?"))
            });
        wrong
    }
}
