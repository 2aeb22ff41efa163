//! An error and what caused it: the one place that walks from an error to its root.

use std::error::Error;

/// What caused an error, the nearest first.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |error| (*error).source())
}

/// An error and all its causes in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the file")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("line {0} is wrong")]
    struct Middle(u32, #[source] std::fmt::Error);

    #[test]
    fn all_causes_are_told_in_their_order() {
        let error = Outer(Middle(3, std::fmt::Error));
        assert_eq!(causes(&error).count(), 2);
        assert_eq!(
            chain(&error),
            format!("cannot read the file: line 3 is wrong: {}", std::fmt::Error)
        );
        assert_eq!(chain(&std::fmt::Error), std::fmt::Error.to_string());
    }
}
