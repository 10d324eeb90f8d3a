//! Detects matches that begin with a letter or punctuation: bank accounts, tokens, keys.

use crate::{Attempt, Detectors, Kind, Match, digits, national};

/// The first bytes of the prefixes below.
pub const KEY_STARTS: &[u8] = b"AgsxrpSnhy";

/// A prefix that a service gives its keys, and the length and alphabet of the rest.
struct Prefix {
    text: &'static [u8],
    least: usize,
    /// Whether `least` is the exact length.
    exact: bool,
    alphabet: fn(u8) -> bool,
}

const fn key(text: &'static [u8], least: usize, exact: bool, alphabet: fn(u8) -> bool) -> Prefix {
    Prefix {
        text,
        least,
        exact,
        alphabet,
    }
}

const PREFIXES: [Prefix; 24] = [
    // Amazon Web Services: long-term and temporary access keys
    key(b"AKIA", 16, true, upper),
    key(b"ASIA", 16, true, upper),
    // Google
    key(b"AIza", 35, true, token),
    // Azure: storage and service bus connection strings
    key(b"AccountKey=", 86, false, base64),
    key(b"SharedAccessKey=", 43, false, base64),
    // GitHub and GitLab
    key(b"ghp_", 36, false, alphanumeric),
    key(b"gho_", 36, false, alphanumeric),
    key(b"ghu_", 36, false, alphanumeric),
    key(b"ghs_", 36, false, alphanumeric),
    key(b"ghr_", 36, false, alphanumeric),
    key(b"github_pat_", 36, false, token),
    key(b"glpat-", 20, false, token),
    // Slack
    key(b"xoxb-", 20, false, token),
    key(b"xoxp-", 20, false, token),
    key(b"xoxa-", 20, false, token),
    key(b"xapp-", 20, false, token),
    // Stripe
    key(b"sk_live_", 24, false, alphanumeric),
    key(b"rk_live_", 24, false, alphanumeric),
    // OpenAI and Anthropic
    key(b"sk-ant-", 24, false, token),
    key(b"sk-proj-", 24, false, token),
    // npm, PyPI, Hugging Face, SendGrid
    key(b"npm_", 36, true, alphanumeric),
    key(b"pypi-", 32, false, token),
    key(b"hf_", 30, false, alphanumeric),
    key(b"SG.", 60, false, dotted),
];

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

fn dotted(byte: u8) -> bool {
    token(byte) || byte == b'.'
}

/// Whether the first two characters of a word could begin a match of [`at`]. Hardly any words of prose could.
pub fn is_likely(text: &[u8], at: usize) -> bool {
    let Some([first, second]) = text.get(at..at + 2) else {
        return false;
    };
    if first.is_ascii_uppercase() {
        // IBANs and national numbers continue with a capital letter, a digit or a hyphen. Cloud keys are told apart by
        // their second letter.
        return !second.is_ascii_lowercase() && *second != b' '
            || matches!((first, second), (b'A', b'c') | (b'S', b'h'));
    }
    matches!(
        (first, second),
        (b'e', b'y')
            | (b'g', b'h' | b'i' | b'l')
            | (b'x', b'o' | b'a')
            | (b's' | b'r', b'k')
            | (b'n', b'p')
            | (b'p', b'y')
            | (b'h', b'f')
    )
}

/// Tries to match at the letter or punctuation at `at`.
pub fn at(detectors: &Detectors, text: &[u8], at: usize) -> Attempt {
    let found = |end: usize, kind: Kind| {
        Attempt::matched(Match {
            start: at,
            end,
            kind,
        })
    };
    let Some(first) = text.get(at) else {
        return Attempt::resume(at + 1);
    };
    match first {
        b'+' | b'(' if detectors.wants(Kind::Phone) => {
            if let Some(hit) = digits::phone(text, at) {
                return Attempt::matched(hit);
            }
        }
        b'-' if detectors.wants(Kind::PrivateKey) => {
            if let Some(end) = private_key(text, at) {
                return found(end, Kind::PrivateKey);
            }
        }
        b'e' if detectors.wants(Kind::Jwt) => {
            if let Some(end) = jwt(text, at) {
                return found(end, Kind::Jwt);
            }
        }
        _ => {}
    }
    if detectors.wants(Kind::CloudKey)
        && let Some(end) = cloud_key(text, at)
    {
        return found(end, Kind::CloudKey);
    }
    if detectors.wants(Kind::Iban)
        && let Some(end) = iban(text, at)
    {
        return found(end, Kind::Iban);
    }
    if detectors.wants(Kind::NationalId)
        && let Some(end) = national::word(&detectors.countries, text, at)
    {
        return found(end, Kind::NationalId);
    }
    Attempt::resume(at + 1)
}

fn cloud_key(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    // Reject most words by their first two letters.
    if !matches!(
        rest.get(..2)?,
        b"AK"
            | b"AS"
            | b"AI"
            | b"Ac"
            | b"Sh"
            | b"gh"
            | b"gi"
            | b"gl"
            | b"xo"
            | b"xa"
            | b"sk"
            | b"rk"
            | b"np"
            | b"py"
            | b"hf"
            | b"SG"
    ) {
        return None;
    }
    let prefix = PREFIXES
        .iter()
        .find(|prefix| rest.starts_with(prefix.text))?;
    let body = rest.get(prefix.text.len()..)?;
    let length = body
        .iter()
        .take_while(|byte| (prefix.alphabet)(**byte))
        .count();
    let long_enough = if prefix.exact {
        length == prefix.least
    } else {
        length >= prefix.least
    };
    long_enough.then_some(at + prefix.text.len() + length)
}

/// IBAN lengths by country (IBAN registry). Other countries do not match.
const COUNTRIES: &[u8] = b"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20";

fn iban(text: &[u8], at: usize) -> Option<usize> {
    let head = text.get(at..at + 4)?;
    let country = head.get(..2)?;
    if !country.iter().all(u8::is_ascii_uppercase) || !head.get(2..)?.iter().all(u8::is_ascii_digit)
    {
        return None;
    }
    let entry = COUNTRIES
        .chunks_exact(4)
        .find(|entry| entry.starts_with(country))?;
    let length = usize::from(entry[2] - b'0') * 10 + usize::from(entry[3] - b'0');
    let mut letters = Vec::with_capacity(length);
    let mut next = at;
    while letters.len() < length {
        match text.get(next)? {
            byte if byte.is_ascii_digit() || byte.is_ascii_uppercase() => letters.push(*byte),
            b' ' if letters.len().is_multiple_of(4) => {}
            _ => return None,
        }
        next += 1;
    }
    if text.get(next).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    // ISO 7064 MOD 97-10: the first four characters move to the end, A counts as 10, and the remainder must be 1.
    let turned = letters.iter().skip(4).chain(letters.iter().take(4));
    let rest = turned.fold(0_u32, |rest, letter| {
        if letter.is_ascii_digit() {
            (rest * 10 + u32::from(letter - b'0')) % 97
        } else {
            (rest * 100 + u32::from(letter - b'A') + 10) % 97
        }
    });
    (rest == 1).then_some(next)
}

fn jwt(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    if !rest.starts_with(b"eyJ") {
        return None;
    }
    let mut ends = Vec::with_capacity(3);
    let mut next = 0;
    for part in 0..3 {
        let body = rest.get(next..)?;
        let length = body.iter().take_while(|byte| token(**byte)).count();
        next += length;
        ends.push(next);
        if part < 2 {
            if length < 4 || rest.get(next) != Some(&b'.') {
                return None;
            }
            next += 1;
        }
    }
    let header = decode(rest.get(..*ends.first()?)?)?;
    let names_algorithm = header.windows(5).any(|window| window == b"\"alg\"");
    names_algorithm.then_some(at + next)
}

/// Decodes unpadded base64url (RFC 4648, section 5).
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

fn private_key(text: &[u8], at: usize) -> Option<usize> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const END: &[u8] = b"-----END ";
    let rest = text.get(at..)?;
    if !rest.starts_with(BEGIN) {
        return None;
    }
    let label = rest.get(BEGIN.len()..)?;
    let label_length = label
        .windows(5)
        .take(64)
        .position(|window| window == b"-----")?;
    if !label.get(..label_length)?.ends_with(b"PRIVATE KEY")
        && !label.get(..label_length)?.ends_with(b"PRIVATE KEY BLOCK")
    {
        return None;
    }
    let body = BEGIN.len() + label_length + 5;
    let end = rest
        .get(body..)?
        .windows(END.len())
        .position(|window| window == END)
        .and_then(|start| {
            let tail = rest.get(body + start + END.len()..)?;
            let length = tail
                .windows(5)
                .take(64)
                .position(|window| window == b"-----")?;
            Some(body + start + END.len() + length + 5)
        });
    Some(at + end.unwrap_or(rest.len()))
}
