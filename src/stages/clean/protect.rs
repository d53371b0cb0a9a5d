//! Protected identifiers -> keyed tokens. The number itself leaves this module in no form.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::feed::{NationalIdScheme, Protection};

/// Keys by id; the first makes tokens, the others are accepted in replayed rejects during a rotation.
#[derive(Clone, Default)]
pub struct TokenKeys {
    keys: Vec<(String, Hmac<Sha256>)>,
    /// Made from the first key: position tokens are many, and blake3 is quick.
    position_key: [u8; 32],
}

#[derive(Debug, thiserror::Error)]
pub enum TokenKeyError {
    #[error("the key file {path} cannot be read")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the key file {path} is open to group or others (mode {mode:03o}); expected 600")]
    OpenToOthers { path: PathBuf, mode: u32 },
    #[error("{path}:{line}: expected `<key id> <64 hexadecimal digits>`")]
    Malformed { path: PathBuf, line: usize },
    #[error("the key file {path} holds no key")]
    NoKey { path: PathBuf },
    #[error(
        "{path}:{line}: `{key_id}` is the demo key of another project; every project needs its own"
    )]
    DemoKeyOfAnother {
        path: PathBuf,
        line: usize,
        key_id: String,
    },
}

impl TokenKeyError {
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "`key_file` in bank.yml names the file of token keys",
            Self::OpenToOthers { .. } => "chmod 600 the file, and change the key if others read it",
            Self::Malformed { .. } | Self::NoKey { .. } => {
                "one key per line, the current one first: an id, a blank, 32 random bytes in hexadecimal"
            }
            Self::DemoKeyOfAnother { .. } => {
                "make a key from 32 random bytes and give it an id that does not start with `demo-`"
            }
        }
    }
}

/// Key ids only; the keys never print.
impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|(key_id, _)| key_id))
            .finish()
    }
}

impl TokenKeys {
    /// Reads an owner-only file of lines `<key id> <64 hex>`; blank lines and `#` comments are skipped.
    /// A file whose only keys are `demo-<project_name>` may be open: everybody has it.
    ///
    /// # Errors
    /// When the file cannot be read, is open to others, is malformed, or holds another project's demo key.
    pub fn load(path: &Path, project_name: &str) -> Result<Self, TokenKeyError> {
        let unreadable = |source| TokenKeyError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unreadable)?;
        let own_demo = format!("demo-{project_name}");
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || TokenKeyError::Malformed {
                path: path.to_owned(),
                line: index + 1,
            };
            let (key_id, digits) = line.split_once(' ').ok_or_else(malformed)?;
            let key = decode_key(digits.trim()).ok_or_else(malformed)?;
            if !is_key_id(key_id) {
                return Err(malformed());
            }
            if key_id.starts_with("demo-") && key_id != own_demo {
                return Err(TokenKeyError::DemoKeyOfAnother {
                    path: path.to_owned(),
                    line: index + 1,
                    key_id: key_id.to_owned(),
                });
            }
            let mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| malformed())?;
            keys.push((key_id.to_owned(), mac));
        }
        if keys.is_empty() {
            return Err(TokenKeyError::NoKey {
                path: path.to_owned(),
            });
        }
        let mode = open_mode(&metadata);
        if mode & 0o077 != 0 && keys.iter().any(|(key_id, _)| *key_id != own_demo) {
            return Err(TokenKeyError::OpenToOthers {
                path: path.to_owned(),
                mode,
            });
        }
        let position_key = keys.first().map_or([0; 32], |(_, keyed)| {
            let mut mac = keyed.clone();
            mac.update(b"position tokens");
            mac.finalize().into_bytes().into()
        });
        Ok(Self { keys, position_key })
    }

    /// No keys: enough for a project without protected columns.
    pub const fn none() -> Self {
        Self {
            keys: Vec::new(),
            position_key: [0; 32],
        }
    }

    /// Id of the key that new tokens are made with; empty without keys.
    pub fn current_id(&self) -> &str {
        self.keys.first().map_or("", |(id, _)| id)
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// `tok:<key id>:<first 16 bytes of HMAC-SHA-256 in hexadecimal>`; `None` without a key.
    pub fn token(&self, kind: &str, normalised: &str) -> Option<String> {
        let (key_id, keyed) = self.keys.first()?;
        let mut mac = keyed.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(normalised.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut token = format!("{TOKEN_PREFIX}{key_id}:");
        for byte in digest.iter().take(16) {
            let _ = write!(token, "{byte:02x}");
        }
        Some(token)
    }

    /// For each position eight hexadecimal digits, keyed: of the id without that character. `None` without a key, and
    /// for what cannot be an id: all its characters equal, or hardly any.
    pub fn position_tokens(&self, normalised: &str) -> Option<String> {
        const LENGTHS: std::ops::RangeInclusive<usize> = 5..=32;
        let id = normalised.as_bytes();
        let varies = id.iter().any(|byte| byte != &id[0]);
        if self.keys.is_empty() || !id.is_ascii() || !LENGTHS.contains(&id.len()) || !varies {
            return None;
        }
        let mut tokens = String::with_capacity(id.len() * 8);
        for position in 0..id.len() {
            let mut hasher = blake3::Hasher::new_keyed(&self.position_key);
            hasher.update(&[u8::try_from(position).unwrap_or(u8::MAX)]);
            hasher.update(&id[..position]);
            hasher.update(&id[position + 1..]);
            let hash = hasher.finalize();
            for byte in &hash.as_bytes()[..4] {
                let _ = write!(tokens, "{byte:02x}");
            }
        }
        Some(tokens)
    }

    /// Whether the text is a token of one of these keys, by its form.
    pub fn accepts(&self, text: &str) -> bool {
        text.strip_prefix(TOKEN_PREFIX)
            .and_then(|rest| rest.split_once(':'))
            .is_some_and(|(key_id, digits)| {
                self.keys.iter().any(|(known, _)| known == key_id)
                    && digits.len() == 32
                    && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
    }
}

pub const TOKEN_PREFIX: &str = "tok:";

/// Follows the token of an invalid national id in quarantine, so that a replay knows it is invalid.
pub const INVALID_MARK: char = '!';

/// The token's domain: the kind of identifier, never the column, so that tokens of two sources meet.
pub const fn kind(protection: &Protection) -> &'static str {
    match protection {
        Protection::Card => "card",
        Protection::NationalId { .. } => "national_id",
        Protection::Iban => "iban",
        Protection::Phone => "phone",
    }
}

/// The one spelling of an identifier that is hashed.
pub fn normalise(protection: &Protection, text: &str) -> String {
    match protection {
        Protection::Card => text
            .chars()
            .filter(|mark| !mark.is_whitespace() && *mark != '-')
            .collect(),
        Protection::NationalId { .. } | Protection::Iban => text
            .chars()
            .filter(|mark| mark.is_alphanumeric())
            .flat_map(char::to_uppercase)
            .collect(),
        Protection::Phone => text
            .chars()
            .filter(|mark| mark.is_ascii_digit() || *mark == '+')
            .collect(),
    }
}

/// 12 to 19 digits whose Luhn sum is right.
pub fn is_card(digits: &str) -> bool {
    (12..=19).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && luhn(digits.bytes())
}

/// The Luhn check over ASCII digits, ISO/IEC 7812-1 annex B.
pub fn luhn(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte - b'0');
            match (index % 2, digit) {
                (0, _) => digit,
                (_, 0..=4) => digit * 2,
                _ => digit * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether a normalised national id can have been issued.
pub fn is_national_id(scheme: NationalIdScheme, id: &str) -> bool {
    match scheme {
        NationalIdScheme::UsSsn => is_us_ssn(id),
        NationalIdScheme::CnResident => is_cn_resident(id),
        NationalIdScheme::Any => !id.is_empty(),
    }
}

fn is_us_ssn(id: &str) -> bool {
    if id.len() != 9 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let (area, rest) = id.split_at(3);
    let (group, serial) = rest.split_at(2);
    area != "000" && area != "666" && !area.starts_with('9') && group != "00" && serial != "0000"
}

/// GB 11643: six digits of place, eight of birth date, three of sequence, one check character (ISO 7064 MOD 11-2).
fn is_cn_resident(id: &str) -> bool {
    let bytes = id.as_bytes();
    if bytes.len() != 18 || !bytes.iter().take(17).all(u8::is_ascii_digit) {
        return false;
    }
    let sum = bytes
        .iter()
        .take(17)
        .fold(0_u32, |sum, byte| (sum + u32::from(*byte - b'0')) * 2 % 11);
    let check = match (12 - sum) % 11 {
        10 => Some(b'X'),
        digit => u8::try_from(digit).ok().map(|digit| b'0' + digit),
    };
    let born = chrono::NaiveDate::parse_from_str(&id[6..14], "%Y%m%d").is_ok();
    born && bytes.last().copied() == check
}

fn is_key_id(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || byte == b'.'
        })
}

fn decode_key(digits: &str) -> Option<Vec<u8>> {
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..32)
        .map(|index| u8::from_str_radix(&digits[index * 2..index * 2 + 2], 16).ok())
        .collect()
}

#[cfg(unix)]
fn open_mode(metadata: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn open_mode(_metadata: &std::fs::Metadata) -> u32 {
    0o600
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_and_national_ids_are_checked() {
        assert!(is_card("4111111111111111"));
        assert!(!is_card("4111111111111112"));
        assert!(!is_card("41111111111"));
        for wrong in [
            "000123456",
            "666123456",
            "900123456",
            "123003456",
            "123450000",
            "12345678",
        ] {
            assert!(!is_us_ssn(wrong), "{wrong}");
        }
        assert!(is_us_ssn("123456789"));
        assert!(is_cn_resident("11010519491231002X"));
        assert!(!is_cn_resident("110105194912310021"));
        assert!(!is_cn_resident("11010519491331002X"));
    }
}
