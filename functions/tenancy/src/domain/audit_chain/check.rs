//! Checks a chain: which rows are as they were sealed, and what happened to the others.

use std::ops::RangeInclusive;

use access::opaque::constant_time_eq;

use super::{Chain, ChainRow, Finding, FindingKind};

/// For how many rows the original position is searched. Enough for manual tampering.
const MAX_MOVED_ROWS: usize = 10;
/// How many positions are searched.
const MAX_CANDIDATES: usize = 20;

/// The possible hashes of the previous row: the stored one and, if that is wrong, the correct one. Empty if the previous
/// row is missing.
type PreviousHashes = Vec<Vec<u8>>;

/// Checks `rows`, ordered by position, after the position `after` whose row has one of these hashes.
pub(crate) fn check(
    chain: Chain<'_>,
    after: i64,
    mut before: PreviousHashes,
    rows: &[ChainRow],
) -> Vec<Finding> {
    let mut checker = ChainChecker {
        chain,
        findings: Vec::new(),
        suspects: Vec::new(),
        candidates: Vec::new(),
    };
    let (mut last, mut last_row) = (after, None);
    for rows_here in rows.chunk_by(|one, other| one.sequence == other.sequence) {
        let position = rows_here[0].sequence.unwrap_or_default();
        if position > last + 1 {
            let missing = last + 1..=position - 1;
            checker.add_candidates(missing.clone(), &before);
            checker
                .findings
                .push(Finding::range(FindingKind::Missing, missing, last_row));
            before = Vec::new();
        }
        before = checker.check_position(position, rows_here, &before);
        last = position;
        last_row = rows_here.last().map(|row| row.id);
    }
    checker.finish()
}

struct ChainChecker<'a, 'r> {
    chain: Chain<'a>,
    findings: Vec<Finding>,
    /// Rows that are not what was sealed at their position.
    suspects: Vec<&'r ChainRow>,
    /// Positions that the suspects may have been moved from, with the previous hash.
    candidates: Vec<(i64, Vec<u8>)>,
}

impl<'r> ChainChecker<'_, 'r> {
    /// Checks the rows at one position: one row, or several if the unique constraint was removed. Returns the possible
    /// previous hashes of the next row.
    fn check_position(
        &mut self,
        position: i64,
        rows_here: &'r [ChainRow],
        before: &PreviousHashes,
    ) -> PreviousHashes {
        let mut hashes = PreviousHashes::new();
        let mut wrong = Vec::new();
        for row in rows_here {
            let stored = row.chain_hash.clone().unwrap_or_default();
            let right = self.expected(position, before, row);
            match right {
                None => self.report(FindingKind::UnknownKey, row),
                // The previous row is missing, so this one cannot be checked.
                Some(_) if before.is_empty() => {}
                Some(right) if right.iter().any(|hash| constant_time_eq(hash, &stored)) => {}
                Some(right) => {
                    wrong.push(row);
                    hashes.extend(right);
                }
            }
            hashes.push(stored);
        }
        let all_wrong = wrong.len() == rows_here.len();
        for (index, row) in wrong.into_iter().enumerate() {
            // Of several rows at one position, at most one was sealed.
            if rows_here.len() > 1 && !(all_wrong && index == 0) {
                self.report(FindingKind::Inserted, row);
            } else {
                self.suspects.push(row);
                self.add_candidates(position..=position, before);
            }
        }
        hashes
    }

    /// The correct hashes of the row at this position; `None` if its key is not in the keyring.
    fn expected(
        &self,
        position: i64,
        before: &PreviousHashes,
        row: &ChainRow,
    ) -> Option<PreviousHashes> {
        let key = u8::try_from(row.chain_key?).ok()?;
        let hash = |before: &[u8]| self.chain.link(key, before, position, row);
        hash(b"")?;
        Some(
            before
                .iter()
                .filter_map(|before| hash(before))
                .map(Vec::from)
                .collect(),
        )
    }

    fn report(&mut self, kind: FindingKind, row: &ChainRow) {
        self.findings
            .push(Finding::at(kind, row.sequence, Some(row.id)));
    }

    fn add_candidates(&mut self, positions: RangeInclusive<i64>, before: &PreviousHashes) {
        let first = *positions.start();
        for position in positions.take(MAX_CANDIDATES) {
            let hashes = before.iter().filter(|_| position == first);
            self.candidates
                .extend(hashes.map(|hash| (position, hash.clone())));
            self.candidates.push((position, Vec::new()));
        }
    }

    /// Tells moved rows from changed ones.
    fn finish(mut self) -> Vec<Finding> {
        self.candidates.truncate(MAX_CANDIDATES);
        for (index, row) in self.suspects.iter().enumerate() {
            let from = (index < MAX_MOVED_ROWS)
                .then(|| self.original_position(row))
                .flatten();
            let kind = match from {
                // Unchanged: only the row before it is a different one.
                Some(from) if Some(from) == row.sequence => continue,
                Some(_) => FindingKind::Moved,
                None => FindingKind::Changed,
            };
            let mut finding = Finding::at(kind, row.sequence, Some(row.id));
            finding.moved_from = from;
            self.findings.push(finding);
        }
        self.findings.sort_by_key(|finding| finding.sequence);
        self.findings
    }

    /// The position at which this row was sealed, if it is known: after a row that is still there, or after one that was
    /// moved as well.
    fn original_position(&self, row: &ChainRow) -> Option<i64> {
        let stored = row.chain_hash.as_ref()?;
        let key = u8::try_from(row.chain_key?).ok()?;
        let moved = self.suspects.iter().take(MAX_MOVED_ROWS);
        let moved: Vec<&Vec<u8>> = moved
            .filter_map(|other| other.chain_hash.as_ref())
            .collect();
        let was_sealed_at = |position: i64, before: &[u8]| {
            let hash = self.chain.link(key, before, position, row);
            hash.is_some_and(|hash| constant_time_eq(&hash, stored))
        };
        self.candidates
            .iter()
            .find(|(position, before)| {
                was_sealed_at(*position, before)
                    || moved.iter().any(|hash| was_sealed_at(*position, hash))
            })
            .map(|(position, _)| *position)
    }
}

#[cfg(test)]
mod tests {
    use access::Keyring;
    use chrono::DateTime;
    use ids::TenantId;

    use super::*;
    use crate::domain::audit_chain::tests::row;

    struct Log {
        tenant: TenantId,
        ring: Keyring,
        /// The initial keyring.
        text: String,
        rows: Vec<ChainRow>,
    }

    impl Log {
        fn of(length: i64) -> Self {
            let tenant = TenantId::at(DateTime::UNIX_EPOCH);
            let text = Keyring::generate();
            let mut log = Self {
                tenant,
                ring: Keyring::parse(&text).unwrap(),
                text,
                rows: Vec::new(),
            };
            let mut before = Vec::new();
            for sequence in 1..=length {
                let mut row = row(&format!("act {sequence}"));
                let hash = log.chain().link(1, &before, sequence, &row).unwrap();
                row.sequence = Some(sequence);
                row.chain_key = Some(1);
                row.chain_hash = Some(hash.to_vec());
                before = hash.to_vec();
                log.rows.push(row);
            }
            log
        }

        fn chain(&self) -> Chain<'_> {
            Chain::new(self.tenant, &self.ring)
        }

        /// Kind and position of each finding.
        fn findings(&self) -> Vec<(FindingKind, i64)> {
            check(self.chain(), 0, vec![Vec::new()], &self.rows)
                .into_iter()
                .map(|finding| (finding.kind, finding.sequence.unwrap()))
                .collect()
        }
    }

    #[test]
    fn an_unchanged_log_has_no_findings() {
        assert!(Log::of(9).findings().is_empty());
        let log = Log::of(9);
        let hash = log.rows[3].chain_hash.clone().unwrap();
        let rest = check(log.chain(), 4, vec![hash], &log.rows[4..]);
        assert!(rest.is_empty(), "from any position");
    }

    #[test]
    fn only_changed_rows_are_reported() {
        let mut log = Log::of(9);
        log.rows[2].action = "innocent".into();
        log.rows[6].reason = Some("because".into());
        assert_eq!(
            log.findings(),
            [(FindingKind::Changed, 3), (FindingKind::Changed, 7)]
        );
        let mut log = Log::of(9);
        log.rows[4].chain_hash = Some(vec![7; 32]);
        assert_eq!(
            log.findings(),
            [(FindingKind::Changed, 5)],
            "the next row is unchanged"
        );
    }

    #[test]
    fn gaps_are_reported_with_their_bounds() {
        let mut log = Log::of(9);
        log.rows.drain(3..5);
        let findings = check(log.chain(), 0, vec![Vec::new()], &log.rows);
        assert_eq!(findings.len(), 1);
        let gap = &findings[0];
        assert_eq!(
            (gap.kind, gap.sequence, gap.until),
            (FindingKind::Missing, Some(4), Some(5))
        );
        assert_eq!(gap.entry_id, Some(log.rows[2].id));
        let mut log = Log::of(3);
        log.rows.remove(0);
        assert_eq!(log.findings(), [(FindingKind::Missing, 1)]);
    }

    #[test]
    fn moved_rows_are_reported_with_their_original_position() {
        let mut log = Log::of(9);
        (log.rows[3].sequence, log.rows[4].sequence) = (Some(5), Some(4));
        log.rows.swap(3, 4);
        let findings = check(log.chain(), 0, vec![Vec::new()], &log.rows);
        let moved: Vec<_> = findings
            .iter()
            .map(|finding| (finding.kind, finding.sequence, finding.moved_from))
            .collect();
        assert!(
            moved.contains(&(FindingKind::Moved, Some(4), Some(5))),
            "{moved:?}"
        );
        assert!(
            moved.contains(&(FindingKind::Moved, Some(5), Some(4))),
            "{moved:?}"
        );
        let mut log = Log::of(9);
        let mut row = log.rows.remove(3);
        row.sequence = Some(10);
        log.rows.push(row);
        assert!(
            log.findings().contains(&(FindingKind::Moved, 10)),
            "{:?}",
            log.findings()
        );
    }

    #[test]
    fn a_second_row_at_a_position_is_reported_as_inserted() {
        let mut log = Log::of(4);
        let mut forged = log.rows[1].clone();
        forged.action = "forged".into();
        log.rows.insert(1, forged);
        assert_eq!(log.findings(), [(FindingKind::Inserted, 2)]);
    }

    #[test]
    fn a_chain_continues_with_the_next_key() {
        let mut log = Log::of(2);
        let next = Keyring::generate().replacen("1:", "2:", 1);
        let mut row = row("with the next key");
        let before = log.rows[1].chain_hash.clone().unwrap();
        let hash = Keyring::parse(&next).unwrap();
        let hash = Chain::new(log.tenant, &hash).link(2, &before, 3, &row);
        (row.sequence, row.chain_key) = (Some(3), Some(2));
        row.chain_hash = Some(hash.unwrap().to_vec());
        log.rows.push(row);
        log.ring = Keyring::parse(&format!("{next},{}", log.text)).unwrap();
        assert!(log.findings().is_empty(), "{:?}", log.findings());
    }

    #[test]
    fn without_the_key_rows_are_reported_as_unknown() {
        let mut log = Log::of(2);
        log.ring = Keyring::parse(&Keyring::generate().replacen("1:", "2:", 1)).unwrap();
        assert_eq!(
            log.findings(),
            [(FindingKind::UnknownKey, 1), (FindingKind::UnknownKey, 2)]
        );
    }
}
