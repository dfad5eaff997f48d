//! What is kept across restarts, in a form that JSON takes: bytes and paths are any bytes there.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path, which is a string where it is UTF-8.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Bytes { base64: String },
}

fn written(path: &Path) -> Written {
    match path.to_str() {
        Some(text) => Written::Text(text.to_owned()),
        None => Written::Bytes {
            base64: BASE64_STANDARD_NO_PAD.encode(path.as_os_str().as_bytes()),
        },
    }
}

fn read<E: Error>(written: Written) -> Result<PathBuf, E> {
    match written {
        Written::Text(text) => Ok(text.into()),
        Written::Bytes { base64 } => {
            let bytes = BASE64_STANDARD_NO_PAD.decode(base64).map_err(E::custom)?;
            Ok(OsString::from_vec(bytes).into())
        }
    }
}

/// For `#[serde(with)]`: a path, whatever its bytes.
pub(crate) mod path {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        written(path).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        read(Written::deserialize(from)?)
    }
}

/// For `#[serde(with)]`: bytes, as one string of base64. JSON would have a number for each otherwise.
pub mod bytes {
    use super::*;

    /// Writes bytes.
    ///
    /// # Errors
    /// Fails where `to` does.
    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD_NO_PAD.encode(bytes))
    }

    /// Reads them again.
    ///
    /// # Errors
    /// Fails where there is no string, or none of base64 without padding.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        BASE64_STANDARD_NO_PAD
            .decode(text)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_byte_for_byte() {
        #[derive(Debug, Deserialize, PartialEq, Serialize)]
        struct Held(#[serde(with = "super::path")] PathBuf);

        for name in [&b"/var/log/app.log"[..], b"a\xff.log"] {
            let held = Held(OsString::from_vec(name.to_vec()).into());
            let json = serde_json::to_string(&held).unwrap();
            assert_eq!(serde_json::from_str::<Held>(&json).unwrap(), held, "{json}");
        }
    }
}
