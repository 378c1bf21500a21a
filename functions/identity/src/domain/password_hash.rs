//! Argon2id (and bcrypt, of imported people, once), off the async threads and never more of it at once than the machine bears.

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

use super::bcrypt_hash;

/// 19 MiB, two passes, one lane: OWASP's first recommendation.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How long a request waits for its turn.
const WAIT: Duration = Duration::from_secs(5);

/// A hash of these parameters that no password is known for: an unknown account costs the same time as a known one.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$cmV2YWxlbnogbm9ib2R5$J7cYtHXw1mMBdQX0ZkR0r9vUuPj3s8yqK5oE2nLaTgI";

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// Too many are waiting.
    #[error("too many passwords to hash")]
    Busy,
    /// A bug, or a stored hash that is none.
    #[error("password hash: {0}")]
    Failed(String),
}

/// Whether a password was right.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was not, or there is no such account.
    Wrong,
    /// It was; `renewed` is its hash under today's parameters when the stored one has others.
    Right { renewed: Option<String> },
}

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub(crate) struct Hasher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// One place in the queue.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// It is one's turn: as many have one as there may be hashes at the same time.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Hasher {
    /// At most `at_once` hashes at the same time, at most `most_waiting` requests behind them.
    pub(crate) fn new(at_once: usize, most_waiting: usize) -> Self {
        Self(Arc::new(Inner {
            permits: Arc::new(Semaphore::new(at_once.max(1))),
            waiting: AtomicUsize::new(0),
            most_waiting,
        }))
    }

    /// Waits for one's turn. Whoever takes it before asking the database keeps a flood of sign-ins from taking the
    /// connections of all the rest.
    pub(crate) async fn turn(&self) -> Result<Turn, HashError> {
        let place = Waiting(&self.0.waiting);
        if self.0.waiting.fetch_add(1, Ordering::AcqRel) >= self.0.most_waiting {
            return Err(HashError::Busy);
        }
        let permit = tokio::time::timeout(WAIT, self.0.permits.clone().acquire_owned())
            .await
            .map_err(|_| HashError::Busy)?
            .map_err(|error| HashError::Failed(error.to_string()))?;
        drop(place);
        Ok(Turn(permit))
    }

    /// The hash of a new password.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, HashError> {
        let password = password.to_owned();
        run(self.turn().await?, move || hash(&password)).await?
    }

    /// Checks a password; without a stored hash for as long as with one.
    pub(crate) async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Verdict, HashError> {
        verify_in(self.turn().await?, password, stored).await
    }
}

/// Checks a password in a turn that was taken before.
pub(crate) async fn verify_in(
    turn: Turn,
    password: &str,
    stored: Option<&str>,
) -> Result<Verdict, HashError> {
    let password = password.to_owned();
    let stored = stored.map(str::to_owned);
    run(turn, move || verify(&password, stored.as_deref())).await?
}

async fn run<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HashError> {
    // The turn moves along: a request that is given up meanwhile does not free a core that still works.
    tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    })
    .await
    .map_err(|error| HashError::Failed(error.to_string()))
}

fn failed(error: impl std::fmt::Display) -> HashError {
    HashError::Failed(error.to_string())
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String, HashError> {
    Ok(argon2()?
        .hash_password(password.as_bytes())
        .map_err(failed)?
        .to_string())
}

fn verify(password: &str, stored: Option<&str>) -> Result<Verdict, HashError> {
    if let Some(foreign) = stored.filter(|stored| bcrypt_hash::is_bcrypt(stored)) {
        return Ok(if bcrypt_hash::verify(password, foreign) {
            let renewed = Some(hash(password)?);
            Verdict::Right { renewed }
        } else {
            Verdict::Wrong
        });
    }
    let text = stored.unwrap_or(NOBODYS);
    let parsed = PasswordHash::new(text).map_err(failed)?;
    let right = match argon2()?.verify_password(password.as_bytes(), &parsed) {
        Ok(()) => stored.is_some(),
        Err(argon2::password_hash::Error::PasswordInvalid) => false,
        Err(other) => return Err(failed(other)),
    };
    if !right {
        return Ok(Verdict::Wrong);
    }
    let renewed = if is_current(&parsed) {
        None
    } else {
        Some(hash(password)?)
    };
    Ok(Verdict::Right { renewed })
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
    async fn a_password_is_right_or_wrong() {
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
            Verdict::Right { renewed: None }
        );
        assert_eq!(check("correct horsf", Some(&stored)).await, Verdict::Wrong);
        assert_eq!(check("correct horse", None).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_with_old_parameters_is_renewed() {
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8 * 1024, 1, 1, None).unwrap(),
        );
        let stored = weak.hash_password(b"correct horse").unwrap().to_string();
        let hasher = Hasher::new(1, 8);
        let Verdict::Right {
            renewed: Some(renewed),
        } = hasher.verify("correct horse", Some(&stored)).await.unwrap()
        else {
            panic!("not renewed");
        };
        assert_eq!(
            hasher
                .verify("correct horse", Some(&renewed))
                .await
                .unwrap(),
            Verdict::Right { renewed: None }
        );
    }

    #[test]
    fn nobodys_hash_costs_what_everybodys_does() {
        assert!(is_current(&PasswordHash::new(NOBODYS).unwrap()));
    }

    #[tokio::test]
    async fn a_turn_that_was_given_up_is_free_again() {
        let hasher = Hasher::new(1, 1);
        let turn = hasher.turn().await.unwrap();
        let (waiting, refused) = tokio::join!(
            tokio::time::timeout(Duration::from_millis(10), hasher.turn()),
            hasher.turn()
        );
        assert!(waiting.is_err(), "somebody else has it");
        assert!(matches!(refused, Err(HashError::Busy)));
        drop(turn);
        let turn = hasher.turn().await.unwrap();
        let verdict = verify_in(turn, "correct horse", None).await;
        assert_eq!(verdict.unwrap(), Verdict::Wrong);
        assert!(hasher.turn().await.is_ok());
    }

    #[tokio::test]
    async fn a_queue_that_is_full_takes_nobody() {
        let hasher = Hasher::new(1, 0);
        assert!(matches!(
            hasher.hash("correct horse").await,
            Err(HashError::Busy)
        ));
    }
}
