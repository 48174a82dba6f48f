//! Passwords: bcrypt, off the threads that serve requests.

use actix_web::web;

/// The longest password, in bytes: bcrypt ignores what comes after, so that two long passwords could be the same.
pub const MAX_PASSWORD_LEN: usize = 72;

/// Why a password cannot be hashed or checked.
#[derive(Debug)]
#[non_exhaustive]
pub enum HashError {
    /// It is longer than [`MAX_PASSWORD_LEN`]; refused, not cut off.
    TooLong,
    /// The stored hash is not one of bcrypt's, the cost is out of range, or no thread was free.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl std::fmt::Display for HashError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong => write!(f, "the password is longer than {MAX_PASSWORD_LEN} bytes"),
            Self::Failed(_) => f.write_str("the password could not be hashed"),
        }
    }
}

/// An empty 500: the text is for the log.
impl actix_web::ResponseError for HashError {
    fn error_response(&self) -> actix_web::HttpResponse {
        actix_web::HttpResponse::InternalServerError().finish()
    }
}

impl std::error::Error for HashError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TooLong => None,
            Self::Failed(source) => Some(&**source),
        }
    }
}

/// The bcrypt hash to keep for a password. `cost` is the binary logarithm of the rounds, 4 to 31.
///
/// # Errors
///
/// [`HashError::TooLong`] for passwords that bcrypt would cut off.
pub async fn hash(password: String, cost: u32) -> Result<String, HashError> {
    if password.len() > MAX_PASSWORD_LEN {
        return Err(HashError::TooLong);
    }
    let hashed = web::block(move || bcrypt::hash(password, cost)).await.map_err(failed)?;
    hashed.map_err(failed)
}

/// Whether `password` belongs to `stored`, a user's hash.
///
/// `None`, for a user who does not exist, takes as long as a hash of `cost` and says no: the time an answer takes
/// does not tell which users there are. Too long a password is no user's, and says so at once for all of them.
///
/// # Errors
///
/// [`HashError::Failed`] if the stored hash is none.
pub async fn verify(password: String, stored: Option<String>, cost: u32) -> Result<bool, HashError> {
    if password.len() > MAX_PASSWORD_LEN {
        return Ok(false);
    }
    let exists = stored.is_some();
    let hash = stored.unwrap_or_else(|| stand_in(cost));
    let matches = web::block(move || bcrypt::verify(password, &hash)).await.map_err(failed)?;
    Ok(matches.map_err(failed)? && exists)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> HashError {
    HashError::Failed(Box::new(error))
}

/// A well-formed hash that belongs to nobody.
fn stand_in(cost: u32) -> String {
    // 22 characters of salt and 31 of digest.
    format!("$2b${cost:02}${:.<53}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: u32 = 4;

    #[actix_web::test]
    async fn a_password_is_accepted_for_its_own_hash_only() {
        let stored = hash("월드".to_owned(), COST).await.unwrap();
        assert!(verify("월드".to_owned(), Some(stored.clone()), COST).await.unwrap());
        assert!(!verify("world".to_owned(), Some(stored), COST).await.unwrap());
    }

    #[actix_web::test]
    async fn an_unknown_user_costs_a_real_comparison_and_fails() {
        assert!(
            bcrypt::verify("x", &stand_in(COST)).is_ok(),
            "bcrypt must accept the form, or no work is done"
        );
        assert!(!verify("x".to_owned(), None, COST).await.unwrap());
    }

    #[actix_web::test]
    async fn what_bcrypt_would_cut_off_is_refused() {
        let longest = "가".repeat(24);
        assert_eq!(longest.len(), MAX_PASSWORD_LEN);
        let stored = hash(longest.clone(), COST).await.unwrap();
        assert!(verify(longest.clone(), Some(stored.clone()), COST).await.unwrap());
        let longer = longest + "x";
        assert!(matches!(hash(longer.clone(), COST).await, Err(HashError::TooLong)));
        assert!(!verify(longer, Some(stored), COST).await.unwrap());
    }
}
