//! Whether a secret could be guessed: an estimate of how many bits describe it. No dictionary.

/// Fewer bits than this, and the secret is refused. 32 random bytes come to about 155, 32 random hexadecimal digits to
/// about 120, and a sentence of 32 letters to about 110; what repeats ten letters comes to half of it.
const MIN_BITS: f64 = 80.0;

/// The shortest repetition that counts as one; random text of few letters has shorter ones by chance.
const MIN_MATCH: usize = 4;

/// Whether somebody who tries simple patterns would find this secret: few different bytes, a repeated text, bytes that
/// count up or down (`0123…`, `abcd…`).
pub(crate) fn is_guessable(secret: &[u8]) -> bool {
    let steps: Vec<u8> = secret.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    bits(secret).min(bits(&steps)) < MIN_BITS
}

/// The bits that a simple compressor needs, up to [`MIN_BITS`]: a byte costs as much as it takes to choose it among the
/// different ones there are, and a repetition of what came before (LZ77) costs its place and its length.
#[allow(clippy::cast_precision_loss, reason = "secrets are short")]
fn bits(text: &[u8]) -> f64 {
    let mut seen = [false; 256];
    for byte in text {
        seen[usize::from(*byte)] = true;
    }
    let different = seen.iter().filter(|seen| **seen).count();
    let per_byte = (different.max(2) as f64).log2();
    let (mut bits, mut at) = (0.0, 0);
    while at < text.len() && bits < MIN_BITS {
        let length = longest_repetition(text, at);
        let repetition = (at as f64).log2() + (length as f64).log2();
        if length >= MIN_MATCH && repetition < per_byte * length as f64 {
            bits += repetition;
            at += length;
        } else {
            bits += per_byte;
            at += 1;
        }
    }
    bits
}

/// How long the text at `at` goes on as it does somewhere before; the two may overlap.
fn longest_repetition(text: &[u8], at: usize) -> usize {
    let common = |start: usize| text[start..].iter().zip(&text[at..]).take_while(|(a, b)| a == b).count();
    (0..at).map(common).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_are_guessable_however_long() {
        for (pattern, times) in [
            ("a", 32),
            ("a", 1000),
            ("ab", 50),
            ("abc", 40),
            ("0123456789", 7),
            ("0123456789abcdef", 4),
            ("abcdefghijklmnopqrstuvwxyz", 2),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", 1),
            ("zyxwvutsrqponmlkjihgfedcba987654", 1),
            ("keyboard cat", 3),
            ("keyboard cat ", 10),
            ("secret", 6),
            ("password", 4),
            ("changeme", 5),
            ("my_secret_key!", 3),
            ("your-secret-key-", 2),
            ("\0", 32),
            ("correcthorse", 20),
        ] {
            assert!(is_guessable(pattern.repeat(times).as_bytes()), "{pattern:?} × {times}");
        }
        let halves = format!("{}{}", "a".repeat(20), "b".repeat(20));
        assert!(is_guessable(halves.as_bytes()));
        let counting: Vec<u8> = (0..=255).collect();
        assert!(is_guessable(&counting));
    }

    #[test]
    fn sentences_and_other_texts_of_their_own_pass() {
        for text in [
            "a secret for tests only, 32 bytes+",
            "at least 32 random bytes, kept secret",
            "correct horse battery staple and more",
            "31415926535897932384626433832795028841971",
        ] {
            assert!(!is_guessable(text.as_bytes()), "{text}");
        }
    }

    fn uuid(bytes: [u8; 16]) -> String {
        let hex = hex(&bytes);
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Uniform bytes: `any::<u8>` has no favourites.
        #[test]
        fn random_secrets_are_never_refused(bytes: [u8; 32], half: [u8; 16]) {
            prop_assert!(!is_guessable(&bytes));
            for text in [
                hex(&bytes), hex(&half), STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes), uuid(half),
                URL_SAFE_NO_PAD.encode(&bytes[..24]),
            ] {
                prop_assert!(!is_guessable(text.as_bytes()), "{}", text);
            }
        }
    }
}
