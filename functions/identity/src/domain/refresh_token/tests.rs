use proptest::prelude::*;

use super::*;

const OVERLAP: TimeDelta = TimeDelta::seconds(30);

fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn tokens() -> RefreshTokens {
    RefreshTokens::new(Keyring::parse(&Keyring::generate()).unwrap())
}

fn first(tokens: &RefreshTokens) -> (RefreshToken, Kept) {
    let token = tokens.first(TenantId::at(now()), SessionId::at(now()));
    let kept = Kept {
        generation: 0,
        refresh_hash: token.hash().to_vec(),
        previous_hash: None,
        rotated_at: now(),
    };
    (token, kept)
}

fn rotated(kept: &Kept, child: &RefreshToken, at: DateTime<Utc>) -> Kept {
    Kept {
        generation: child.generation,
        refresh_hash: child.hash().to_vec(),
        previous_hash: Some(kept.refresh_hash.clone()),
        rotated_at: at,
    }
}

#[track_caller]
fn rotate(tokens: &RefreshTokens, token: &RefreshToken, kept: &Kept) -> (RefreshToken, Kept) {
    let Verdict::Rotate(child) = tokens.judge(token, kept, now(), OVERLAP) else {
        panic!("not rotated");
    };
    let kept = rotated(kept, &child, now());
    (child, kept)
}

#[test]
fn everybody_with_the_same_parent_gets_the_same_child_for_a_while() {
    let tokens = tokens();
    let (parent, kept) = first(&tokens);
    let (child, kept) = rotate(&tokens, &parent, &kept);
    let later = |seconds| now() + TimeDelta::seconds(seconds);
    assert_eq!(
        tokens.judge(&parent, &kept, later(30), OVERLAP),
        Verdict::Again(child.clone())
    );
    assert_eq!(
        tokens.judge(&parent, &kept, later(31), OVERLAP),
        Verdict::Reused
    );
    assert_eq!(
        tokens.judge(&parent, &kept, now(), TimeDelta::zero()),
        Verdict::Reused
    );
    assert!(matches!(
        tokens.judge(&child, &kept, later(86_400), OVERLAP),
        Verdict::Rotate(_)
    ));
}

#[test]
fn a_grandparent_is_reuse_at_any_time() {
    let tokens = tokens();
    let (grandparent, kept) = first(&tokens);
    let (parent, kept) = rotate(&tokens, &grandparent, &kept);
    let (_, kept) = rotate(&tokens, &parent, &kept);
    assert_eq!(
        tokens.judge(&grandparent, &kept, now(), OVERLAP),
        Verdict::Reused
    );
}

#[test]
fn what_we_never_issued_ends_no_session() {
    let tokens = tokens();
    let (token, kept) = first(&tokens);
    let (child, kept) = rotate(&tokens, &token, &kept);
    let (_, kept) = rotate(&tokens, &child, &kept);
    let mut forged = token.clone();
    forged.secret = [7; 32];
    assert_eq!(
        tokens.judge(&forged, &kept, now(), OVERLAP),
        Verdict::Unknown
    );
    // A genuine secret under another generation, or another session, has no right mark either.
    let mut moved = child.clone();
    moved.generation = 0;
    assert_eq!(
        tokens.judge(&moved, &kept, now(), OVERLAP),
        Verdict::Unknown
    );
    let mut elsewhere = token.clone();
    elsewhere.session = SessionId::at(now());
    assert_eq!(
        tokens.judge(&elsewhere, &kept, now(), OVERLAP),
        Verdict::Unknown
    );
    // Ahead of the row: the database was put back to an earlier time.
    let (grandchild, _) = rotate(&tokens, &child, &rotated(&kept_of(&token), &child, now()));
    assert_eq!(
        tokens.judge(&grandchild, &kept_of(&token), now(), OVERLAP),
        Verdict::Unknown
    );
}

fn kept_of(token: &RefreshToken) -> Kept {
    Kept {
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
    let (parent, kept) = first(&before);
    let (child, kept) = rotate(&before, &parent, &kept);
    assert!(
        matches!(after.judge(&parent, &kept, now(), OVERLAP), Verdict::Again(again) if again.hash() == child.hash())
    );
    let (_, kept) = rotate(&after, &child, &kept);
    assert_eq!(after.judge(&parent, &kept, now(), OVERLAP), Verdict::Reused);
}

#[test]
fn a_token_comes_back_as_it_was_given_out() {
    let (token, _) = first(&tokens());
    let text = token.to_text();
    assert_eq!(text.len(), 112);
    assert_eq!(RefreshToken::parse(&text), Some(token));
    assert_eq!(RefreshToken::parse(&text[1..]), None);
    assert_eq!(RefreshToken::parse(""), None);
}

proptest! {
    #[test]
    fn whatever_is_bent_in_an_old_token_makes_it_unknown(position in 0..LENGTH, bit in 0..8_u8) {
        let tokens = tokens();
        let (token, kept) = first(&tokens);
        let (child, kept) = rotate(&tokens, &token, &kept);
        let (_, kept) = rotate(&tokens, &child, &kept);
        let mut bytes = URL_SAFE_NO_PAD.decode(token.to_text()).unwrap();
        bytes[position] ^= 1 << bit;
        if let Some(bent) = RefreshToken::parse(&URL_SAFE_NO_PAD.encode(bytes)) {
            prop_assert_eq!(tokens.judge(&bent, &kept, now(), OVERLAP), Verdict::Unknown);
        }
    }

    #[test]
    fn parsing_never_panics(text in ".{0,200}") {
        let _ = RefreshToken::parse(&text);
    }

    #[test]
    fn of_a_long_chain_only_the_last_two_are_good(length in 2_usize..12) {
        let tokens = tokens();
        let (token, mut kept) = first(&tokens);
        let mut chain = vec![token];
        for _ in 0..length {
            let (child, next) = rotate(&tokens, &chain[chain.len() - 1], &kept);
            chain.push(child);
            kept = next;
        }
        for (index, token) in chain.iter().enumerate() {
            let verdict = tokens.judge(token, &kept, now(), OVERLAP);
            match length - index {
                0 => prop_assert!(matches!(verdict, Verdict::Rotate(_))),
                1 => prop_assert_eq!(verdict, Verdict::Again(chain[length].clone())),
                _ => prop_assert_eq!(verdict, Verdict::Reused),
            }
        }
    }
}
