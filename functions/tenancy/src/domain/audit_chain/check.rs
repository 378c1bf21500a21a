//! Following the chain: which rows are as they were sealed, and what became of the others.

use access::opaque::same;

use super::{Chain, ChainRow, Finding, FindingKind};

/// Rows for which it is looked where they stood before; enough for a hand's work.
const MOST_MOVED: usize = 10;
/// Places where they may have stood.
const MOST_PLACES: usize = 20;

/// What the row before may have had as its hash: the one that it has, and if that is wrong the one that it should have. None
/// when there is no row before.
type Before = Vec<Vec<u8>>;

/// Checks `rows`, in the order of their places, behind the place `after` where a row has one of these hashes.
pub fn check(chain: Chain<'_>, (after, before): (i64, Before), rows: &[ChainRow]) -> Vec<Finding> {
    let mut walk = Walk {
        chain,
        findings: Vec::new(),
        suspects: Vec::new(),
        places: Vec::new(),
    };
    let (mut last, mut last_row, mut before) = (after, None, before);
    for standing in rows.chunk_by(|one, other| one.sequence == other.sequence) {
        let place = standing[0].sequence.unwrap_or_default();
        if place > last + 1 {
            let gone = (last + 1, place - 1);
            walk.findings
                .push(Finding::range(FindingKind::Missing, gone, last_row));
            walk.note_places(gone, &before);
            before = Vec::new();
        }
        before = walk.look(place, standing, &before);
        last = place;
        last_row = standing.last().map(|row| row.id);
    }
    walk.finish()
}

struct Walk<'a, 'r> {
    chain: Chain<'a>,
    findings: Vec<Finding>,
    /// Rows that are not what was sealed at their place.
    suspects: Vec<&'r ChainRow>,
    /// Places where they may have stood, with the hash before.
    places: Vec<(i64, Vec<u8>)>,
}

impl<'r> Walk<'_, 'r> {
    /// Looks at what stands at one place: one row, or more when somebody has removed the constraint. Answers what the next row
    /// may stand behind.
    fn look(&mut self, place: i64, standing: &'r [ChainRow], before: &Before) -> Before {
        let mut hashes = Before::new();
        let mut wrong = Vec::new();
        for row in standing {
            let stored = row.chain_hash.clone().unwrap_or_default();
            let right = self.expected(place, before, row);
            match right {
                None => self.found(FindingKind::UnknownKey, row),
                // The row before is gone: nothing can be said of this one but that it follows.
                Some(_) if before.is_empty() => {}
                Some(right) if right.iter().any(|hash| same(hash, &stored)) => {}
                Some(right) => {
                    wrong.push(row);
                    hashes.extend(right);
                }
            }
            hashes.push(stored);
        }
        let all_wrong = wrong.len() == standing.len();
        for (index, row) in wrong.into_iter().enumerate() {
            // Several rows at one place: at most one of them is ours.
            if standing.len() > 1 && !(all_wrong && index == 0) {
                self.found(FindingKind::Inserted, row);
            } else {
                self.suspects.push(row);
                self.note_places((place, place), before);
            }
        }
        hashes
    }

    /// The hashes that the row may have here; nothing when its key is not in the ring.
    fn expected(&self, place: i64, before: &Before, row: &ChainRow) -> Option<Before> {
        let key = u8::try_from(row.chain_key?).ok()?;
        let hash = |before: &[u8]| self.chain.link(key, before, place, row);
        hash(b"")?;
        Some(
            before
                .iter()
                .filter_map(|before| hash(before))
                .map(Vec::from)
                .collect(),
        )
    }

    fn found(&mut self, kind: FindingKind, row: &ChainRow) {
        self.findings
            .push(Finding::at(kind, row.sequence, Some(row.id)));
    }

    fn note_places(&mut self, (first, last): (i64, i64), before: &Before) {
        for place in (first..=last).take(MOST_PLACES) {
            let hashes = before.iter().filter(|_| place == first);
            self.places.extend(hashes.map(|hash| (place, hash.clone())));
            self.places.push((place, Vec::new()));
        }
    }

    /// Finds out which of the suspects stood elsewhere; the others were changed.
    fn finish(mut self) -> Vec<Finding> {
        self.places.truncate(MOST_PLACES);
        for (index, row) in self.suspects.iter().enumerate() {
            let from = (index < MOST_MOVED).then(|| self.place_of(row)).flatten();
            let kind = match from {
                // As it was sealed: only the row before it is another one.
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

    /// Where this row was sealed, if it was anywhere here: behind a row that is still there, or behind one that was moved too.
    fn place_of(&self, row: &ChainRow) -> Option<i64> {
        let stored = row.chain_hash.as_ref()?;
        let key = u8::try_from(row.chain_key?).ok()?;
        let moved = self.suspects.iter().take(MOST_MOVED);
        let moved: Vec<&Vec<u8>> = moved
            .filter_map(|other| other.chain_hash.as_ref())
            .collect();
        let stands = |place: i64, before: &[u8]| {
            let hash = self.chain.link(key, before, place, row);
            hash.is_some_and(|hash| same(&hash, stored))
        };
        self.places
            .iter()
            .find(|(place, before)| {
                stands(*place, before) || moved.iter().any(|hash| stands(*place, hash))
            })
            .map(|(place, _)| *place)
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
        /// The ring as it was at the beginning.
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

        /// Kinds and places of all that is found.
        fn found(&self) -> Vec<(FindingKind, i64)> {
            let start = (0, vec![Vec::new()]);
            check(self.chain(), start, &self.rows)
                .into_iter()
                .map(|finding| (finding.kind, finding.sequence.unwrap()))
                .collect()
        }
    }

    #[test]
    fn a_log_as_it_was_written_has_nothing_to_find() {
        assert!(Log::of(9).found().is_empty());
        let log = Log::of(9);
        let hash = log.rows[3].chain_hash.clone().unwrap();
        let rest = check(log.chain(), (4, vec![hash]), &log.rows[4..]);
        assert!(rest.is_empty(), "from anywhere");
    }

    #[test]
    fn each_changed_row_is_named_and_no_other() {
        let mut log = Log::of(9);
        log.rows[2].action = "innocent".into();
        log.rows[6].reason = Some("because".into());
        assert_eq!(
            log.found(),
            [(FindingKind::Changed, 3), (FindingKind::Changed, 7)]
        );
        let mut log = Log::of(9);
        log.rows[4].chain_hash = Some(vec![7; 32]);
        assert_eq!(
            log.found(),
            [(FindingKind::Changed, 5)],
            "the row behind is as it was"
        );
    }

    #[test]
    fn gaps_are_named_from_end_to_end() {
        let mut log = Log::of(9);
        log.rows.drain(3..5);
        let findings = check(log.chain(), (0, vec![Vec::new()]), &log.rows);
        assert_eq!(findings.len(), 1);
        let gap = &findings[0];
        assert_eq!(
            (gap.kind, gap.sequence, gap.until),
            (FindingKind::Missing, Some(4), Some(5))
        );
        assert_eq!(gap.entry_id, Some(log.rows[2].id));
        let mut log = Log::of(3);
        log.rows.remove(0);
        assert_eq!(log.found(), [(FindingKind::Missing, 1)]);
    }

    #[test]
    fn rows_that_changed_places_are_named_with_where_they_stood() {
        let mut log = Log::of(9);
        (log.rows[3].sequence, log.rows[4].sequence) = (Some(5), Some(4));
        log.rows.swap(3, 4);
        let findings = check(log.chain(), (0, vec![Vec::new()]), &log.rows);
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
            log.found().contains(&(FindingKind::Moved, 10)),
            "{:?}",
            log.found()
        );
    }

    #[test]
    fn a_second_row_at_a_place_is_none_of_ours() {
        let mut log = Log::of(4);
        let mut forged = log.rows[1].clone();
        forged.action = "forged".into();
        log.rows.insert(1, forged);
        assert_eq!(log.found(), [(FindingKind::Inserted, 2)]);
    }

    #[test]
    fn a_chain_goes_on_under_the_next_key() {
        let mut log = Log::of(2);
        let next = Keyring::generate().replacen("1:", "2:", 1);
        let mut row = row("under the next key");
        let before = log.rows[1].chain_hash.clone().unwrap();
        let hash = Keyring::parse(&next).unwrap();
        let hash = Chain::new(log.tenant, &hash).link(2, &before, 3, &row);
        (row.sequence, row.chain_key) = (Some(3), Some(2));
        row.chain_hash = Some(hash.unwrap().to_vec());
        log.rows.push(row);
        log.ring = Keyring::parse(&format!("{next},{}", log.text)).unwrap();
        assert!(log.found().is_empty(), "{:?}", log.found());
    }

    #[test]
    fn without_the_key_nothing_is_claimed() {
        let mut log = Log::of(2);
        log.ring = Keyring::parse(&Keyring::generate().replacen("1:", "2:", 1)).unwrap();
        assert_eq!(
            log.found(),
            [(FindingKind::UnknownKey, 1), (FindingKind::UnknownKey, 2)]
        );
    }
}
