use proptest::prelude::*;

use super::*;

const OVERLAP: TimeDelta = TimeDelta::seconds(30);

fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn tokens() -> RefreshTokens {
    RefreshTokens::new(Keyring::parse(&Keyring::generate()).unwrap())
}

fn issue_first(tokens: &RefreshTokens) -> (RefreshToken, StoredToken) {
    let token = tokens.issue_first(TenantId::at(now()), SessionId::at(now()));
    let stored = StoredToken {
        generation: 0,
        refresh_hash: token.hash().to_vec(),
        previous_hash: None,
        rotated_at: now(),
    };
    (token, stored)
}

fn rotated(stored: &StoredToken, child: &RefreshToken, at: DateTime<Utc>) -> StoredToken {
    StoredToken {
        generation: child.generation,
        refresh_hash: child.hash().to_vec(),
        previous_hash: Some(stored.refresh_hash.clone()),
        rotated_at: at,
    }
}

#[track_caller]
fn rotate(
    tokens: &RefreshTokens,
    token: &RefreshToken,
    stored: &StoredToken,
) -> (RefreshToken, StoredToken) {
    let TokenState::Current(child) = tokens.classify(token, stored, now(), OVERLAP) else {
        panic!("not rotated");
    };
    let stored = rotated(stored, &child, now());
    (child, stored)
}

#[test]
fn the_same_parent_yields_the_same_child_within_the_overlap() {
    let tokens = tokens();
    let (parent, stored) = issue_first(&tokens);
    let (child, stored) = rotate(&tokens, &parent, &stored);
    let later = |seconds| now() + TimeDelta::seconds(seconds);
    assert_eq!(
        tokens.classify(&parent, &stored, later(30), OVERLAP),
        TokenState::JustReplaced(child.clone())
    );
    assert_eq!(
        tokens.classify(&parent, &stored, later(31), OVERLAP),
        TokenState::Reused
    );
    assert_eq!(
        tokens.classify(&parent, &stored, now(), TimeDelta::zero()),
        TokenState::Reused
    );
    assert!(matches!(
        tokens.classify(&child, &stored, later(86_400), OVERLAP),
        TokenState::Current(_)
    ));
}

#[test]
fn an_older_ancestor_is_always_reuse() {
    let tokens = tokens();
    let (grandparent, stored) = issue_first(&tokens);
    let (parent, stored) = rotate(&tokens, &grandparent, &stored);
    let (_, stored) = rotate(&tokens, &parent, &stored);
    assert_eq!(
        tokens.classify(&grandparent, &stored, now(), OVERLAP),
        TokenState::Reused
    );
}

#[test]
fn a_token_that_was_never_issued_is_unknown() {
    let tokens = tokens();
    let (token, stored) = issue_first(&tokens);
    let (child, stored) = rotate(&tokens, &token, &stored);
    let (_, stored) = rotate(&tokens, &child, &stored);
    let mut forged = token.clone();
    forged.secret = [7; 32];
    assert_eq!(
        tokens.classify(&forged, &stored, now(), OVERLAP),
        TokenState::Unknown
    );
    // A genuine secret with a different generation or session has no valid tag either.
    let mut moved = child.clone();
    moved.generation = 0;
    assert_eq!(
        tokens.classify(&moved, &stored, now(), OVERLAP),
        TokenState::Unknown
    );
    let mut elsewhere = token.clone();
    elsewhere.session = SessionId::at(now());
    assert_eq!(
        tokens.classify(&elsewhere, &stored, now(), OVERLAP),
        TokenState::Unknown
    );
    // Ahead of the row: the database was restored to an earlier state.
    let (grandchild, _) = rotate(
        &tokens,
        &child,
        &rotated(&stored_token(&token), &child, now()),
    );
    assert_eq!(
        tokens.classify(&grandchild, &stored_token(&token), now(), OVERLAP),
        TokenState::Unknown
    );
}

fn stored_token(token: &RefreshToken) -> StoredToken {
    StoredToken {
        generation: token.generation,
        refresh_hash: token.hash().to_vec(),
        previous_hash: None,
        rotated_at: now(),
    }
}

#[test]
fn sessions_outlive_a_rotation_of_the_master_key() {
    let (old, new) = (
        Keyring::generate(),
        Keyring::generate().replacen("1:", "2:", 1),
    );
    let before = RefreshTokens::new(Keyring::parse(&old).unwrap());
    let after = RefreshTokens::new(Keyring::parse(&format!("{new},{old}")).unwrap());
    let (parent, stored) = issue_first(&before);
    let (child, stored) = rotate(&before, &parent, &stored);
    assert!(
        matches!(after.classify(&parent, &stored, now(), OVERLAP), TokenState::JustReplaced(again) if again.hash() == child.hash())
    );
    let (_, stored) = rotate(&after, &child, &stored);
    assert_eq!(
        after.classify(&parent, &stored, now(), OVERLAP),
        TokenState::Reused
    );
}

#[test]
fn a_token_survives_a_round_trip() {
    let (token, _) = issue_first(&tokens());
    let text = token.to_text();
    assert_eq!(text.len(), 112);
    assert_eq!(RefreshToken::parse(&text), Some(token));
    assert_eq!(RefreshToken::parse(&text[1..]), None);
    assert_eq!(RefreshToken::parse(""), None);
}

proptest! {
    #[test]
    fn any_change_to_an_old_token_makes_it_unknown(position in 0..TOKEN_LENGTH, bit in 0..8_u8) {
        let tokens = tokens();
        let (token, stored) = issue_first(&tokens);
        let (child, stored) = rotate(&tokens, &token, &stored);
        let (_, stored) = rotate(&tokens, &child, &stored);
        let mut bytes = URL_SAFE_NO_PAD.decode(token.to_text()).unwrap();
        bytes[position] ^= 1 << bit;
        if let Some(bent) = RefreshToken::parse(&URL_SAFE_NO_PAD.encode(bytes)) {
            prop_assert_eq!(tokens.classify(&bent, &stored, now(), OVERLAP), TokenState::Unknown);
        }
    }

    #[test]
    fn parsing_never_panics(text in ".{0,200}") {
        let _ = RefreshToken::parse(&text);
    }

    #[test]
    fn only_the_last_two_tokens_of_a_chain_are_valid(length in 2_usize..12) {
        let tokens = tokens();
        let (token, mut stored) = issue_first(&tokens);
        let mut chain = vec![token];
        for _ in 0..length {
            let (child, next) = rotate(&tokens, &chain[chain.len() - 1], &stored);
            chain.push(child);
            stored = next;
        }
        for (index, token) in chain.iter().enumerate() {
            let verdict = tokens.classify(token, &stored, now(), OVERLAP);
            match length - index {
                0 => prop_assert!(matches!(verdict, TokenState::Current(_))),
                1 => prop_assert_eq!(verdict, TokenState::JustReplaced(chain[length].clone())),
                _ => prop_assert_eq!(verdict, TokenState::Reused),
            }
        }
    }
}
