//! Password hashing with Argon2id (and verification of imported bcrypt hashes), off the async threads and with limited concurrency.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{bcrypt_hash, password::opaque_string};

/// 19 MiB, two passes, one lane: OWASP's first recommendation.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How long a request waits for a permit.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A hash with these parameters and no known password, so that an unknown account takes as long as a known one.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$cmV2YWxlbnogbm9ib2R5$J7cYtHXw1mMBdQX0ZkR0r9vUuPj3s8yqK5oE2nLaTgI";

/// Why hashing failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// Too many requests are waiting.
    #[error("too many passwords to hash")]
    Busy,
    /// A bug, or an invalid stored hash.
    #[error("password hash: {0}")]
    Failed(String),
}

/// The result of verifying a password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PasswordCheck {
    /// The password is incorrect, or the account does not exist.
    Incorrect,
    /// The password is correct; `rehashed` is set if the stored hash has outdated parameters.
    Correct { rehashed: Option<String> },
}

/// Hashes and verifies passwords.
#[derive(Clone, Debug)]
pub(crate) struct Hasher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    permits: Arc<Semaphore>,
    queued: AtomicUsize,
    max_queued: usize,
}

/// A slot in the queue, freed on drop.
struct QueueSlot<'a>(&'a AtomicUsize);

impl Drop for QueueSlot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Permission to compute one hash; the number of permits limits concurrency.
#[derive(Debug)]
pub(crate) struct HashPermit(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Hasher {
    /// Allows `max_concurrent` hashes at the same time and `max_queued` waiting requests.
    pub(crate) fn new(max_concurrent: usize, max_queued: usize) -> Self {
        Self(Arc::new(Inner {
            permits: Arc::new(Semaphore::new(max_concurrent.max(1))),
            queued: AtomicUsize::new(0),
            max_queued,
        }))
    }

    /// Waits for a permit. Sign-ins acquire it before a database connection, so that many of them at once do not exhaust the pool.
    pub(crate) async fn acquire(&self) -> Result<HashPermit, HashError> {
        let slot = QueueSlot(&self.0.queued);
        if self.0.queued.fetch_add(1, Ordering::AcqRel) >= self.0.max_queued {
            return Err(HashError::Busy);
        }
        let permit = tokio::time::timeout(ACQUIRE_TIMEOUT, self.0.permits.clone().acquire_owned())
            .await
            .map_err(|_| HashError::Busy)?
            .map_err(|error| HashError::Failed(error.to_string()))?;
        drop(slot);
        Ok(HashPermit(permit))
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, HashError> {
        let password = opaque_string(password);
        run(self.acquire().await?, move || hash(&password)).await?
    }

    /// Verifies a password; takes as long without a stored hash as with one.
    pub(crate) async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<PasswordCheck, HashError> {
        verify_with_permit(self.acquire().await?, password, stored).await
    }
}

/// Verifies a password with a permit acquired earlier.
pub(crate) async fn verify_with_permit(
    permit: HashPermit,
    password: &str,
    stored: Option<&str>,
) -> Result<PasswordCheck, HashError> {
    let (password, typed) = (opaque_string(password), password.to_owned());
    let stored = stored.map(str::to_owned);
    run(permit, move || {
        let check = verify(&password, stored.as_deref())?;
        if check != PasswordCheck::Incorrect || typed == password {
            return Ok(check);
        }
        let is_bcrypt = stored.as_deref().is_some_and(bcrypt_hash::is_bcrypt);
        // A hash that was imported, or made before passwords had one form, may be of the password as it was typed.
        Ok(match verify(&typed, stored.as_deref())? {
            PasswordCheck::Incorrect => PasswordCheck::Incorrect,
            // Not the end of a long password, which bcrypt did not verify.
            PasswordCheck::Correct { rehashed: None } if is_bcrypt => {
                PasswordCheck::Correct { rehashed: None }
            }
            PasswordCheck::Correct { .. } => PasswordCheck::Correct {
                rehashed: Some(hash(&password)?),
            },
        })
    })
    .await?
}

async fn run<T: Send + 'static>(
    permit: HashPermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HashError> {
    // Moves the permit into the task: an aborted request must not free a core that is still busy.
    tokio::task::spawn_blocking(move || {
        let done = work();
        drop(permit);
        done
    })
    .await
    .map_err(|error| HashError::Failed(error.to_string()))
}

fn hash_failed(error: impl std::fmt::Display) -> HashError {
    HashError::Failed(error.to_string())
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(hash_failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String, HashError> {
    Ok(argon2()?
        .hash_password(password.as_bytes())
        .map_err(hash_failed)?
        .to_string())
}

fn verify(password: &str, stored: Option<&str>) -> Result<PasswordCheck, HashError> {
    if let Some(foreign) = stored.filter(|stored| bcrypt_hash::is_bcrypt(stored)) {
        return Ok(if bcrypt_hash::verify(password, foreign) {
            // bcrypt ignores what follows 72 bytes, so the rest of a longer password is not verified and must not be stored.
            let rehashed = match password.len() {
                ..=bcrypt_hash::MAX_PASSWORD_BYTES => Some(hash(password)?),
                _ => None,
            };
            PasswordCheck::Correct { rehashed }
        } else {
            PasswordCheck::Incorrect
        });
    }
    let text = stored.unwrap_or(DUMMY_HASH);
    let parsed = PasswordHash::new(text).map_err(hash_failed)?;
    let right = match argon2()?.verify_password(password.as_bytes(), &parsed) {
        Ok(()) => stored.is_some(),
        Err(argon2::password_hash::Error::PasswordInvalid) => false,
        Err(other) => return Err(hash_failed(other)),
    };
    if !right {
        return Ok(PasswordCheck::Incorrect);
    }
    let rehashed = if is_current(&parsed) {
        None
    } else {
        Some(hash(password)?)
    };
    Ok(PasswordCheck::Correct { rehashed })
}

fn is_current(hash: &PasswordHash) -> bool {
    let params = Params::try_from(hash).ok();
    hash.algorithm.as_str() == "argon2id"
        && hash.version == Some(Version::V0x13.into())
        && params.is_some_and(|params| {
            (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_unverified_end_of_a_long_password_is_not_stored() {
        let (start, hasher) = ("x".repeat(72), Hasher::new(2, 8));
        let long = format!("{start} and more");
        let imported = bcrypt::hash(&long, 4).unwrap();
        for typed in [long.clone(), format!("{start} and something else")] {
            assert_eq!(
                hasher.verify(&typed, Some(&imported)).await.unwrap(),
                PasswordCheck::Correct { rehashed: None }
            );
        }
        let whole = hasher.verify(&start, Some(&imported)).await.unwrap();
        assert!(matches!(
            whole,
            PasswordCheck::Correct { rehashed: Some(_) }
        ));
    }

    #[tokio::test]
    async fn a_password_is_the_same_in_every_unicode_form() {
        let hasher = Hasher::new(2, 8);
        let (composed, decomposed) = (
            "Müßiggänger Straße",
            "Mu\u{308}ßigga\u{308}nger\u{A0}Straße",
        );
        let stored = hasher.hash(decomposed).await.unwrap();
        for typed in [composed, decomposed] {
            assert_eq!(
                hasher.verify(typed, Some(&stored)).await.unwrap(),
                PasswordCheck::Correct { rehashed: None }
            );
        }
        // Another system hashed what was typed: it is let in as typed, and has one form from then on.
        let imported = bcrypt::hash(decomposed, 4).unwrap();
        let PasswordCheck::Correct {
            rehashed: Some(renewed),
        } = hasher.verify(decomposed, Some(&imported)).await.unwrap()
        else {
            panic!("not let in");
        };
        assert_eq!(
            hasher.verify(composed, Some(&renewed)).await.unwrap(),
            PasswordCheck::Correct { rehashed: None }
        );
    }

    #[tokio::test]
    async fn a_password_is_correct_or_incorrect() {
        let hasher = Hasher::new(2, 8);
        let stored = hasher.hash("correct horse").await.unwrap();
        let check = async |password: &str, stored: Option<&str>| {
            hasher.verify(password, stored).await.unwrap()
        };
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert_eq!(
            check("correct horse", Some(&stored)).await,
            PasswordCheck::Correct { rehashed: None }
        );
        assert_eq!(
            check("correct horsf", Some(&stored)).await,
            PasswordCheck::Incorrect
        );
        assert_eq!(check("correct horse", None).await, PasswordCheck::Incorrect);
    }

    #[tokio::test]
    async fn a_hash_with_old_parameters_is_rehashed() {
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8 * 1024, 1, 1, None).unwrap(),
        );
        let stored = weak.hash_password(b"correct horse").unwrap().to_string();
        let hasher = Hasher::new(1, 8);
        let PasswordCheck::Correct {
            rehashed: Some(rehashed),
        } = hasher.verify("correct horse", Some(&stored)).await.unwrap()
        else {
            panic!("not rehashed");
        };
        assert_eq!(
            hasher
                .verify("correct horse", Some(&rehashed))
                .await
                .unwrap(),
            PasswordCheck::Correct { rehashed: None }
        );
    }

    #[test]
    fn the_dummy_hash_has_current_parameters() {
        assert!(is_current(&PasswordHash::new(DUMMY_HASH).unwrap()));
    }

    #[tokio::test]
    async fn an_abandoned_permit_is_released() {
        let hasher = Hasher::new(1, 1);
        let permit = hasher.acquire().await.unwrap();
        let (queued, refused) = tokio::join!(
            tokio::time::timeout(Duration::from_millis(10), hasher.acquire()),
            hasher.acquire()
        );
        assert!(queued.is_err(), "somebody else has it");
        assert!(matches!(refused, Err(HashError::Busy)));
        drop(permit);
        let permit = hasher.acquire().await.unwrap();
        let check = verify_with_permit(permit, "correct horse", None).await;
        assert_eq!(check.unwrap(), PasswordCheck::Incorrect);
        assert!(hasher.acquire().await.is_ok());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_requests() {
        let hasher = Hasher::new(1, 0);
        assert!(matches!(
            hasher.hash("correct horse").await,
            Err(HashError::Busy)
        ));
    }
}
