//! The ciphers themselves: GCM from its crate; CBC and CTR, which are a few lines on top of the block cipher.

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};
use aes_gcm::aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser};
use aes_gcm::aes::{Aes128, Aes192, Aes256};

use super::options::{Algorithm, Mode};

const BLOCK: usize = 16;

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
        Mode::Cbc => cbc_encrypt(&aes, iv, data).map(|data| (data, None)),
        Mode::Ctr => ctr(&aes, iv, data).map(|data| (data, None)),
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
        (Mode::Cbc, _) => cbc_decrypt(&aes, iv, data),
        (Mode::Ctr, _) => ctr(&aes, iv, data),
    }
}

fn open<G: AeadInOut>(gcm: &G, iv: &[u8], aad: &[u8], mut data: Vec<u8>, tag: &[u8]) -> Option<Vec<u8>> {
    let nonce = Nonce::<G>::try_from(iv).ok()?;
    let tag = Tag::<G>::try_from(tag).ok()?;
    gcm.decrypt_inout_detached(&nonce, aad, data.as_mut_slice().into(), &tag).ok()?;
    Some(data)
}

/// Cipher block chaining with PKCS #7 padding.
fn cbc_encrypt<A: Aes>(aes: &A, iv: &[u8], mut data: Vec<u8>) -> Option<Vec<u8>> {
    let padding = BLOCK - data.len() % BLOCK;
    data.resize(data.len() + padding, u8::try_from(padding).ok()?);
    let mut previous = Block::<A>::try_from(iv).ok()?;
    for chunk in data.chunks_exact_mut(BLOCK) {
        xor(&mut previous, chunk);
        aes.encrypt_block(&mut previous);
        chunk.copy_from_slice(&previous);
    }
    Some(data)
}

/// The HMAC has been verified before, so a padding error tells nobody anything.
fn cbc_decrypt<A: Aes>(aes: &A, iv: &[u8], mut data: Vec<u8>) -> Option<Vec<u8>> {
    let mut previous = Block::<A>::try_from(iv).ok()?;
    for chunk in data.chunks_exact_mut(BLOCK) {
        let encrypted = Block::<A>::try_from(&*chunk).ok()?;
        let mut block = encrypted;
        aes.decrypt_block(&mut block);
        xor(&mut block, &previous);
        chunk.copy_from_slice(&block);
        previous = encrypted;
    }
    let padding = usize::from(*data.last()?);
    let kept = data.len().checked_sub(padding)?;
    let is_padded = data.len().is_multiple_of(BLOCK)
        && (1..=BLOCK).contains(&padding)
        && data.get(kept..)?.iter().all(|byte| usize::from(*byte) == padding);
    is_padded.then(|| {
        data.truncate(kept);
        data
    })
}

/// Counter mode with a 128-bit big-endian counter, as OpenSSL's; the same in both directions.
fn ctr<A: Aes>(aes: &A, iv: &[u8], mut data: Vec<u8>) -> Option<Vec<u8>> {
    let mut counter = u128::from_be_bytes(iv.try_into().ok()?);
    for chunk in data.chunks_mut(BLOCK) {
        let mut block = Block::<A>::from(counter.to_be_bytes());
        aes.encrypt_block(&mut block);
        chunk.iter_mut().zip(&block).for_each(|(byte, key)| *byte ^= key);
        counter = counter.wrapping_add(1);
    }
    Some(data)
}

fn xor(into: &mut [u8], other: &[u8]) {
    into.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
}
