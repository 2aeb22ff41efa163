//! What tells two specifications apart without telling what they say.
//!
//! A saved machine has the fingerprint of each specification in the place of the specification, because
//! there are secrets in those. A plain hash would not do: whoever reads it could try out all passwords that
//! people choose. So it is an HMAC (RFC 2104, with SHA-256) under a random key that whoever saves keeps
//! elsewhere, and without which no guess can be tried.

use std::{
    fmt,
    hash::{Hash as _, Hasher},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::spec::ServiceSpec;

/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;

/// What fingerprints are made with. It belongs neither into what is saved nor beside it where others can
/// read both.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// A key of these bytes, which have to be random.
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<key>")
    }
}

/// Of a specification, in this and in later processes of the same program that have the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(spec: &ServiceSpec, key: &FingerprintKey) -> Self {
        let mut mac = Mac::new(key);
        spec.hash(&mut mac);
        Self(mac.sum())
    }
}

/// HMAC with SHA-256.
#[derive(Clone)]
struct Mac {
    inner: Sha256,
    outer: Sha256,
}

impl Mac {
    fn new(key: &FingerprintKey) -> Self {
        let padded = |pad: u8| {
            let mut block = [pad; BLOCK];
            for (byte, of_key) in block.iter_mut().zip(key.0) {
                *byte ^= of_key;
            }
            Sha256::new_with_prefix(block)
        };
        Self {
            inner: padded(0x36),
            outer: padded(0x5c),
        }
    }

    fn sum(self) -> [u8; 32] {
        let Self { inner, outer } = self;
        outer.chain_update(inner.finalize()).finalize().into()
    }
}

/// So that whatever implements `Hash` can be put in.
impl Hasher for Mac {
    fn write(&mut self, bytes: &[u8]) {
        self.inner.update(bytes);
    }

    fn finish(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.clone().sum();
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixtures::service, spec::EnvValue};

    /// RFC 4231, test cases 1 and 2: a shorter key is one that ends with zeros.
    #[test]
    fn it_is_the_hmac_of_the_rfc() {
        let padded = |key: &[u8]| {
            let mut bytes = [0; 32];
            bytes[..key.len()].copy_from_slice(key);
            FingerprintKey::new(bytes)
        };
        for (key, text, sum) in [
            (
                &[0x0b; 20][..],
                "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            let mut mac = Mac::new(&padded(key));
            mac.write(text.as_bytes());
            let found: String = mac.sum().iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(found, sum);
        }
    }

    #[test]
    fn it_differs_with_the_key_with_the_service_and_with_a_secret() {
        let with = |secret: &str| {
            let mut spec = service("a", &[]);
            let secret = EnvValue::Secret(secret.to_owned());
            spec.command.env.insert("KEY".to_owned(), secret);
            spec
        };
        let key = FingerprintKey::new([7; 32]);
        let other_key = FingerprintKey::new([8; 32]);
        let one = Fingerprint::of(&with("hunter2"), &key);
        assert_eq!(one, Fingerprint::of(&with("hunter2"), &key));
        assert_ne!(one, Fingerprint::of(&with("hunter2"), &other_key));
        assert_ne!(one, Fingerprint::of(&with("hunter3"), &key));
        // Two services with one secret do not show that they share it.
        let mut same = with("hunter2");
        same.name = crate::fixtures::name("b");
        assert_ne!(one, Fingerprint::of(&same, &key));
        assert_eq!(format!("{key:?}"), "<key>");
    }
}
