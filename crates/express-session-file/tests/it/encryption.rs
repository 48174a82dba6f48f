//! Encryption, against the recordings and against a second implementation of the scheme that shares no code
//! with the store's.

use std::error::Error as _;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use express_session_core::{Expect, SessionStore as _, StoreError};
use express_session_file::{
    Algorithm, EncodeAs, Encryption, FileError, FileOptions, FileStore, Hashing, KeyDerivation,
    QUARANTINE_FOLDER,
};
use express_session_testbed::vectors::{self, are_foreign, hex, list, replay_async, text, untranslatable};
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha512;

use crate::support::{Fixture, document, files, id, written};

/// A key derivation that costs nothing, for tests that are not about it.
const CHEAP: KeyDerivation = KeyDerivation::Scrypt { log_n: 1, r: 8, p: 1 };
/// An encryption for tests that are not about the key.
pub(crate) const QUICK: fn() -> Encryption = || Encryption::new("secret").key_derivation(CHEAP);

fn key(secret: &str, salt: &[u8], log_n: u8) -> [u8; 32] {
    let mut key = [0; 32];
    scrypt::scrypt(secret.as_bytes(), salt, &scrypt::Params::new(log_n, 8, 1).unwrap(), &mut key).unwrap();
    key
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| *byte as char).collect()
}

fn bytes(text: &Value) -> Vec<u8> {
    text.as_str().unwrap().chars().map(|c| u8::try_from(c as u32).unwrap()).collect()
}

fn buffer(value: &Value) -> Vec<u8> {
    assert_eq!(value["type"], "Buffer");
    value["data"].as_array().unwrap().iter().map(|it| u8::try_from(it.as_u64().unwrap()).unwrap()).collect()
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = <Hmac<Sha512> as hmac::KeyInit>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Encrypts as the default settings do, apart from the cheap key.
pub(crate) fn seal(secret: &str, json: &str) -> Vec<u8> {
    let (salt, iv, aad) = ([7_u8; 128], [9_u8; 12], [5_u8; 64]);
    let key = key(secret, &salt, 1);
    let message = serde_json::to_string(json).unwrap();
    let payload = Payload { msg: message.as_bytes(), aad: &aad };
    let mut sealed = Aes256Gcm::new(&key.into()).encrypt(&iv.into(), payload).unwrap();
    let tag = sealed.split_off(sealed.len() - 16);
    let text = latin1(&sealed);
    let node_buffer = |bytes: &[u8]| serde_json::json!({"type": "Buffer", "data": bytes});
    let envelope = serde_json::json!({
        "hmac": latin1(&hmac(&key, &text)), "ct": text, "iv": node_buffer(&iv), "salt": node_buffer(&salt),
        "aad": latin1(&aad), "at": node_buffer(&tag),
    });
    envelope.to_string().into_bytes()
}

/// Decrypts what the default settings make, apart from the cheap key.
pub(crate) fn open(secret: &str, file: &[u8]) -> String {
    open_with(secret, file, 1)
}

fn open_with(secret: &str, file: &[u8], log_n: u8) -> String {
    let envelope: Value = serde_json::from_slice(file).unwrap();
    let keys: Vec<_> = envelope.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["hmac", "ct", "iv", "salt", "aad", "at"]);
    let (salt, iv) = (buffer(&envelope["salt"]), buffer(&envelope["iv"]));
    assert_eq!((salt.len(), iv.len(), bytes(&envelope["aad"]).len()), (128, 12, 64));
    let key = key(secret, &salt, log_n);
    assert_eq!(hmac(&key, envelope["ct"].as_str().unwrap()), bytes(&envelope["hmac"]));
    let sealed = [bytes(&envelope["ct"]), buffer(&envelope["at"])].concat();
    let payload = Payload { msg: &sealed, aad: &bytes(&envelope["aad"]) };
    let nonce: [u8; 12] = iv.try_into().unwrap();
    let message = Aes256Gcm::new(&key.into()).decrypt(&nonce.into(), payload).unwrap();
    serde_json::from_slice(&message).unwrap()
}

/// Source: `tests/vectors/file.json`, `encrypted_samples`.
#[tokio::test]
async fn all_samples_of_node_open() {
    replay_async("file.json", "encrypted_samples", async |sample| {
        let fixture = Fixture::with(|options| options.secret(text(sample, "secret")));
        fixture.put("sid.json", hex(text(sample, "file_hex")));
        let stored = fixture.store.get(&id("sid")).await.unwrap().expect("a live session");
        assert_eq!(stored.document.text(), text(sample, "session_json"));
    })
    .await;
}

/// What we write with Node's own settings, opened by the second implementation; and the file is JSON in the
/// same text form as Node's (raw Latin-1 letters, control characters escaped).
#[tokio::test]
async fn what_is_written_is_what_node_expects() {
    let fixture = Fixture::with(|options| options.secret("\u{fc}\u{1f511} secret"));
    let json = r#"{"cookie":{"httpOnly":true,"path":"/"},"e":"\ud83c\udf6a\ud800\u0001é"}"#;
    fixture.set("sid", &document(json)).await;
    let file = &fixture.files()["sid.json"];
    let expected = json.replace("é\"}", "é\",\"__lastAccess\":1893553445678}");
    assert_eq!(open_with("\u{fc}\u{1f511} secret", file, 14), expected);
    let text = String::from_utf8(file.clone()).unwrap();
    assert!(text.chars().all(|c| ('\u{20}'..='\u{ff}').contains(&c)));
    assert!(!text.contains("httpOnly"));
}

/// Source: `tests/vectors/file.json`, `crypto_option_variants`; `use_asn1` is not supported.
#[tokio::test]
async fn every_setting_of_kruptein_opens_and_can_be_written() {
    let mut opened = 0;
    replay_async("file.json", "crypto_option_variants", async |variant| {
        let Some(encryption) = encryption_of(variant) else { return };
        let fixture = Fixture::with(|options| options.encryption(encryption));
        fixture.put("sid.json", hex(text(variant, "file_hex")));
        let stored = fixture.store.get(&id("sid")).await.unwrap().expect("a live session");
        let plaintext = text(variant, "plaintext");
        assert_eq!(stored.document.text(), plaintext);
        let outcome =
            fixture.store.set(&id("sid"), &stored.document, Expect::Revision(&stored.revision)).await;
        written(outcome.unwrap());
        let again = fixture.store.get(&id("sid")).await.unwrap().unwrap();
        assert_eq!(again.document.text(), plaintext);
        let envelope: Value = serde_json::from_slice(&fixture.files()["sid.json"]).unwrap();
        assert_eq!(shape(&envelope), variant["envelope_shape"]);
        opened += 1;
    })
    .await;
    assert!(opened == 11 || are_foreign(), "{opened}");
}

/// The settings of a recorded variant; `None` for those that Node refuses and for ASN.1.
fn encryption_of(variant: &Value) -> Option<Encryption> {
    let options = &variant["store_options"];
    variant["file_hex"].as_str()?;
    if let Some(secret) = options["secret"]["secret"].as_str() {
        if options["secret"]["opts"] != serde_json::json!({"N": 1024, "r": 8, "p": 1}) {
            untranslatable("other parameters of scrypt");
        }
        return Some(Encryption::new(secret).key_derivation(KeyDerivation::Scrypt { log_n: 10, r: 8, p: 1 }));
    }
    let mut encryption = Encryption::new(text(options, "secret"));
    let Some(crypto) = options.get("crypto") else { return Some(encryption) };
    if crypto["use_asn1"] == true {
        return None;
    }
    if crypto["use_scrypt"] != true {
        encryption = encryption.key_derivation(KeyDerivation::PBKDF2);
    }
    encryption = encryption.algorithm(match crypto["algorithm"].as_str() {
        None => Algorithm::AES_256_GCM,
        Some("aes-192-gcm") => Algorithm::AES_192_GCM,
        Some("aes-128-gcm") => Algorithm::AES_128_GCM,
        Some("aes-256-cbc") => Algorithm::AES_256_CBC,
        Some("aes-256-ctr") => Algorithm::AES_256_CTR,
        Some(other) => untranslatable(format_args!("unknown algorithm {other}")),
    });
    encryption = encryption.hashing(match crypto["hashing"].as_str() {
        None => Hashing::Sha512,
        Some("sha384") => Hashing::Sha384,
        Some("sha256") => Hashing::Sha256,
        Some(other) => untranslatable(format_args!("unknown digest {other}")),
    });
    encryption = encryption.encode_as(match crypto["encodeas"].as_str() {
        None => EncodeAs::Binary,
        Some("hex") => EncodeAs::Hex,
        Some("base64") => EncodeAs::Base64,
        Some(other) => untranslatable(format_args!("unknown encoding {other}")),
    });
    Some(encryption)
}

/// As the recording describes an envelope: types and lengths, keys in order.
fn shape(envelope: &Value) -> Value {
    let mut shape = serde_json::Map::new();
    for (key, value) in envelope.as_object().unwrap() {
        let described = match value.as_str() {
            Some(text) => format!("string({})", text.chars().count()),
            None => format!("Buffer({})", value["data"].as_array().unwrap().len()),
        };
        shape.insert(key.clone(), described.into());
    }
    shape.into()
}

/// Source: `tests/vectors/file.json`, `encrypted_foreign_files`.
/// DIFFERENCE: what kills the Node process, or is deleted there, goes into quarantine here.
#[tokio::test]
async fn foreign_files_open_where_they_open_in_node() {
    let (mut opened, mut refused) = (0, 0);
    replay_async("file.json", "encrypted_foreign_files", async |foreign| {
        let secret = match foreign.get("store_options") {
            None => Some("keyboard cat"),
            Some(options) => options.get("secret").map(|_| text(options, "secret")),
        };
        let fixture = Fixture::with(|options| match secret {
            Some(secret) => options.secret(secret),
            None => options,
        });
        let file = hex(text(foreign, "file_hex"));
        fixture.put("sid.json", &file);
        let result = fixture.store.get(&id("sid")).await;
        // Without a secret, Node hands out the envelope as if it were a session.
        if foreign["get_error"].is_null() && secret.is_some() {
            let stored = result.unwrap().expect("a session");
            assert_eq!(stored.document.text(), text(foreign, "get_data"));
            opened += 1;
        } else {
            assert!(matches!(result, Err(StoreError::Corrupt(_))), "{result:?}");
            assert!(fixture.store.get(&id("sid")).await.unwrap().is_none(), "still there");
            let quarantined = files(&fixture.file(QUARANTINE_FOLDER));
            assert_eq!(quarantined.into_values().collect::<Vec<_>>(), [file], "lost");
            refused += 1;
        }
    })
    .await;
    assert!((opened, refused) == (10, 16) || are_foreign(), "{opened}, {refused}");
}

/// Source: `tests/vectors/file.json`, `lifecycle`, "secret \"file secret\"".
#[tokio::test]
async fn recorded_encrypted_lifecycle_opens() {
    let mut opened = 0;
    replay_async("file.json", "lifecycle", async |lifecycle| {
        let Some(secret) = lifecycle["store_options"]["secret"].as_str() else { return };
        for step in list(lifecycle, "steps") {
            let fixture = Fixture::with(|options| options.secret(secret));
            for (name, file) in step["files_after"].as_object().unwrap() {
                fixture.put(name, vectors::bytes(file));
                let stored = fixture.store.get(&id("SID1")).await.unwrap().unwrap();
                assert!(stored.document.get_raw("n").is_some(), "{}", step["step"]);
                opened += 1;
            }
        }
    })
    .await;
    assert!(opened > 0 || are_foreign());
}

#[tokio::test]
async fn two_writes_of_one_session_share_neither_vector_nor_ciphertext() {
    let fixture = Fixture::with(|options| options.encryption(QUICK()));
    let document = document(r#"{"cookie":{"path":"/"},"n":1}"#);
    fixture.set("a", &document).await;
    fixture.set("b", &document).await;
    let parse = |name: &str| -> Value { serde_json::from_slice(&fixture.files()[name]).unwrap() };
    let (a, b) = (parse("a.json"), parse("b.json"));
    assert_ne!(a["iv"], b["iv"]);
    assert_ne!(a["ct"], b["ct"]);
    assert_ne!(a["aad"], b["aad"]);
}

#[tokio::test]
async fn an_undecryptable_file_says_so_without_saying_what() {
    let fixture = Fixture::with(|options| options.encryption(QUICK()));
    fixture.put("sid.json", seal("another secret", r#"{"cookie":{},"user":"alice"}"#));
    let error = fixture.store.get(&id("sid")).await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "the record cannot be decrypted");
    assert!(!format!("{error:?}").contains("alice"));
}

#[test]
fn an_empty_secret_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let result = FileStore::new(FileOptions::new().path(dir.path()).secret(""));
    assert!(matches!(result, Err(FileError::EmptySecret)));
}
