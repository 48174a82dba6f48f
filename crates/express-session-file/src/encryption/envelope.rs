//! The JSON around a ciphertext.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::options::EncodeAs;

/// What an encrypted file says.
pub(super) struct Envelope {
    pub(super) hmac: Vec<u8>,
    /// As text, because the HMAC is over the text.
    pub(super) ciphertext: String,
    pub(super) iv: Vec<u8>,
    pub(super) salt: Vec<u8>,
    pub(super) aad: Option<Vec<u8>>,
    pub(super) tag: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct Document {
    hmac: String,
    ct: String,
    iv: Bytes,
    salt: Buffer,
    aad: Option<String>,
    at: Option<Bytes>,
}

/// `JSON.stringify(buffer)`.
#[derive(Deserialize)]
struct Buffer {
    data: Vec<u8>,
}

/// The forms of which Node's `Buffer.from(…, "binary")` makes bytes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bytes {
    Buffer(Buffer),
    Array(Vec<u8>),
    Binary(String),
}

impl Bytes {
    fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Buffer(Buffer { data }) | Self::Array(data) => Some(data),
            Self::Binary(text) => EncodeAs::Binary.decode(&text),
        }
    }
}

impl Envelope {
    /// `None` if it is not an envelope.
    pub(super) fn decode(file: &[u8], form: EncodeAs) -> Option<Self> {
        let document: Document = serde_json::from_slice(file).ok()?;
        let aad = match document.aad {
            Some(text) => Some(form.decode(&text)?),
            None => None,
        };
        let tag = match document.at {
            Some(bytes) => Some(bytes.into_bytes()?),
            None => None,
        };
        Some(Self {
            hmac: form.decode(&document.hmac)?,
            ciphertext: document.ct,
            iv: document.iv.into_bytes()?,
            salt: document.salt.data,
            aad,
            tag,
        })
    }

    /// The file, key by key in kruptein's order.
    pub(super) fn encode(&self, form: EncodeAs) -> Vec<u8> {
        let mut out = String::with_capacity(self.ciphertext.len() * 2 + 1024);
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            r#"{{"hmac":{},"ct":{},"iv":{},"salt":{}"#,
            Value::from(form.encode(&self.hmac)),
            Value::from(self.ciphertext.as_str()),
            buffer(&self.iv),
            buffer(&self.salt)
        );
        if let (Some(aad), Some(tag)) = (&self.aad, &self.tag) {
            let _ = write!(out, r#","aad":{},"at":{}"#, Value::from(form.encode(aad)), buffer(tag));
        }
        out.push('}');
        out.into_bytes()
    }
}

fn buffer(bytes: &[u8]) -> String {
    format!(r#"{{"type":"Buffer","data":{}}}"#, Value::from(bytes))
}
