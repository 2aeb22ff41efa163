//! Lists and tables of texts. Everything that is wrong in one is reported at once.

use std::{collections::BTreeMap, ops::Range};

use super::{FORM, Raw, RawValue, TYPE, ValueKind, Wrong};
use crate::config::{
    settings::{Network, NoNetwork},
    value::quoted,
};
use crate::secrets::own::OwnName;

impl ValueKind {
    pub(super) fn command(self, raw: &Raw) -> Result<Vec<String>, Vec<Wrong>> {
        let RawValue::List(items) = &raw.is else {
            let mut wrong = self.wrong_type(raw);
            if let RawValue::Text(text) = &raw.is {
                let words: Vec<_> = text.split_whitespace().map(quoted).collect();
                wrong.help = Some(format!("no shell reads it: [{}]", words.join(", ")));
            }
            return Err(vec![wrong]);
        };
        let Some((program, arguments)) = items.split_first() else {
            let label = "expected at least a program".to_owned();
            return Err(vec![self.error(raw, "is empty", label)]);
        };
        let program = Self::Path.path(program).map(str::to_owned);
        let arguments = arguments.iter().map(|raw| self.word(raw));
        all(std::iter::once(program).chain(arguments))
    }

    /// One text of an array or a table.
    pub(super) fn word(self, raw: &Raw) -> Result<String, Wrong> {
        match &raw.is {
            RawValue::Text(text) if text.contains('\0') => {
                Err(self.error(raw, FORM, "a process cannot be given a zero byte".into()))
            }
            RawValue::Text(text) => Ok(text.clone()),
            RawValue::Number(text) => Err(Wrong {
                help: Some(format!("put it in quotes: \"{text}\"")),
                ..self.error(
                    raw,
                    TYPE,
                    format!("expected text, found {}", raw.is.found()),
                )
            }),
            _ => Err(self.error(
                raw,
                TYPE,
                format!("expected text, found {}", raw.is.found()),
            )),
        }
    }

    pub(super) fn environment(self, raw: &Raw) -> Result<BTreeMap<String, String>, Vec<Wrong>> {
        let RawValue::Table(entries) = &raw.is else {
            return Err(vec![self.wrong_type(raw)]);
        };
        all(entries.iter().map(|(name, value)| {
            if name.text.is_empty() || name.text.contains(['=', '\0']) {
                return Err(Wrong {
                    span: name.span.clone(),
                    ..self.error(raw, FORM, "this cannot name a variable".into())
                });
            }
            let text = self.word(value)?;
            if let Some(Err(wrong)) = OwnName::referred_to(&text) {
                return Err(self.error(value, FORM, wrong.to_string()));
            }
            Ok((name.text.clone(), text))
        }))
    }

    pub(super) fn services(self, raw: &Raw) -> Result<Vec<(String, Range<usize>)>, Vec<Wrong>> {
        let RawValue::List(items) = &raw.is else {
            let mut wrong = self.wrong_type(raw);
            if let RawValue::Text(text) = &raw.is {
                wrong.help = Some(format!("in brackets: [{}]", quoted(text)));
            }
            return Err(vec![wrong]);
        };
        let named = |raw: &Raw| Ok((self.word(raw)?, raw.span.clone()));
        all(items.iter().map(named))
    }

    pub(super) fn networks(self, raw: &Raw) -> Result<Vec<Network>, Vec<Wrong>> {
        let RawValue::List(items) = &raw.is else {
            let mut wrong = self.wrong_type(raw);
            if let RawValue::Text(text) = &raw.is {
                wrong.help = Some(format!("in brackets: [{}]", quoted(text)));
            }
            return Err(vec![wrong]);
        };
        all(items.iter().map(|item| {
            let text = self.word(item)?;
            let label = || "expected an address, or an address and the length of a prefix";
            text.parse()
                .map_err(|NoNetwork| self.error(item, FORM, label().to_owned()))
        }))
    }
}

/// All values, or everything that is wrong with them.
pub(super) fn all<T, C: FromIterator<T>>(
    results: impl Iterator<Item = Result<T, Wrong>>,
) -> Result<C, Vec<Wrong>> {
    let mut wrongs = Vec::new();
    let good = results.filter_map(|result| result.map_err(|wrong| wrongs.push(wrong)).ok());
    let good = good.collect();
    if wrongs.is_empty() {
        Ok(good)
    } else {
        Err(wrongs)
    }
}
