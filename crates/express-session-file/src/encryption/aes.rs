//! AES in the three modes that session-file-store's users choose among.

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt as _, BlockModeEncrypt as _, BlockSizeUser,
    InnerIvInit as _, StreamCipher as _,
};
use ctr::{Ctr128BE, CtrCore};

use super::options::{Algorithm, Mode};

/// Encrypts; the second value is GCM's tag. `None` if a length is not possible.
pub(super) fn encrypt(
    algorithm: Algorithm,
    key: &[u8],
    iv: &[u8],
    aad: Option<&[u8]>,
    data: Vec<u8>,
) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    match key.len() {
        16 => encrypt_with::<Aes128>(algorithm.mode, key, iv, aad, data),
        24 => encrypt_with::<Aes192>(algorithm.mode, key, iv, aad, data),
        32 => encrypt_with::<Aes256>(algorithm.mode, key, iv, aad, data),
        _ => None,
    }
}

/// Decrypts. `None` if it does not verify or a length is not possible.
pub(super) fn decrypt(
    algorithm: Algorithm,
    key: &[u8],
    iv: &[u8],
    aad: Option<&[u8]>,
    data: Vec<u8>,
    tag: Option<&[u8]>,
) -> Option<Vec<u8>> {
    match key.len() {
        16 => decrypt_with::<Aes128>(algorithm.mode, key, iv, aad, data, tag),
        24 => decrypt_with::<Aes192>(algorithm.mode, key, iv, aad, data, tag),
        32 => decrypt_with::<Aes256>(algorithm.mode, key, iv, aad, data, tag),
        _ => None,
    }
}

trait Aes: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit {}
impl<A: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit> Aes for A {}

fn encrypt_with<A: Aes>(
    mode: Mode,
    key: &[u8],
    iv: &[u8],
    aad: Option<&[u8]>,
    mut data: Vec<u8>,
) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let aes = A::new_from_slice(key).ok()?;
    match mode {
        Mode::Gcm => {
            let gcm = AesGcm::<A, U12>::from(aes);
            let nonce = Nonce::<AesGcm<A, U12>>::try_from(iv).ok()?;
            let tag = gcm.encrypt_inout_detached(&nonce, aad?, data.as_mut_slice().into()).ok()?;
            Some((data, Some(tag.to_vec())))
        }
        Mode::Cbc => {
            let cbc = cbc::Encryptor::<A>::inner_iv_slice_init(aes, iv).ok()?;
            Some((cbc.encrypt_padded_vec::<Pkcs7>(&data), None))
        }
        Mode::Ctr => count(aes, iv, data).map(|data| (data, None)),
    }
}

fn decrypt_with<A: Aes>(
    mode: Mode,
    key: &[u8],
    iv: &[u8],
    aad: Option<&[u8]>,
    data: Vec<u8>,
    tag: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let aes = A::new_from_slice(key).ok()?;
    match (mode, iv.len()) {
        (Mode::Gcm, 12) => open(&AesGcm::<A, U12>::from(aes), iv, aad?, data, tag?),
        (Mode::Gcm, 16) => open(&AesGcm::<A, U16>::from(aes), iv, aad?, data, tag?),
        (Mode::Gcm, _) => None,
        (Mode::Cbc, _) => {
            let cbc = cbc::Decryptor::<A>::inner_iv_slice_init(aes, iv).ok()?;
            // The HMAC has been verified before, so a padding error tells nobody anything.
            cbc.decrypt_padded_vec::<Pkcs7>(&data).ok()
        }
        (Mode::Ctr, _) => count(aes, iv, data),
    }
}

fn open<G: AeadInOut>(gcm: &G, iv: &[u8], aad: &[u8], mut data: Vec<u8>, tag: &[u8]) -> Option<Vec<u8>> {
    let nonce = Nonce::<G>::try_from(iv).ok()?;
    let tag = Tag::<G>::try_from(tag).ok()?;
    gcm.decrypt_inout_detached(&nonce, aad, data.as_mut_slice().into(), &tag).ok()?;
    Some(data)
}

/// Counter mode with a 128-bit big-endian counter, as OpenSSL's; the same in both directions.
fn count<A: Aes>(aes: A, iv: &[u8], mut data: Vec<u8>) -> Option<Vec<u8>> {
    let mut ctr = Ctr128BE::from_core(CtrCore::inner_iv_slice_init(aes, iv).ok()?);
    ctr.try_apply_keystream(&mut data).ok()?;
    Some(data)
}
