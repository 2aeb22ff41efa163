//! SHA-256, in hexadecimal.

use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of a list of parts, in lower-case hexadecimal.
pub(crate) fn sha256(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length first, so that no two lists of parts run together into the same bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Returns the SHA-256 of the contents of one file, as everybody else computes it.
pub(crate) fn sha256_of_file(contents: &[u8]) -> String {
    hex(&Sha256::digest(contents))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |text, byte| {
            format!("{text}{byte:02x}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_tells_apart_how_the_same_bytes_are_divided() {
        assert_ne!(sha256(&[b"ab", b"c"]), sha256(&[b"a", b"bc"]));
        assert_eq!(
            sha256_of_file(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
