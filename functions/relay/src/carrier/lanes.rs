//! Which message goes next: those of one aggregate one after the other, and nobody waits for another aggregate.

use std::collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry};

use tokio::time::Instant;

/// Messages that are held, a lane for each aggregate. In every lane the first alone is under way, or rests after a refusal.
#[derive(Debug)]
pub(super) struct Lanes<K, M> {
    by_key: HashMap<K, Lane<M>>,
    /// Lanes whose first message may go.
    ready: VecDeque<K>,
    /// Lanes whose first message waits, by the time until which; the number tells apart what ends at once.
    resting: BTreeMap<(Instant, u64), K>,
    rests: u64,
    held: usize,
}

#[derive(Debug)]
struct Lane<M> {
    messages: VecDeque<M>,
    tries: i32,
    refusals: i32,
    /// Its next refusal is its last.
    hurried: bool,
}

/// What is to be tried now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Try<K, M> {
    pub(super) key: K,
    pub(super) message: M,
    /// Counts from 1.
    pub(super) attempt: i32,
    /// How often it was refused before.
    pub(super) refusals: i32,
    /// Whether a refusal parks it, however few there were.
    pub(super) last: bool,
}

impl<K, M> Default for Lanes<K, M> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
            ready: VecDeque::new(),
            resting: BTreeMap::new(),
            rests: 0,
            held: 0,
        }
    }
}

impl<K: Clone + Eq + std::hash::Hash, M: Clone> Lanes<K, M> {
    /// How many messages are held.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// One more, behind those of its aggregate.
    pub(super) fn add(&mut self, key: K, message: M) {
        self.held += 1;
        match self.by_key.entry(key) {
            Entry::Occupied(mut lane) => lane.get_mut().messages.push_back(message),
            Entry::Vacant(place) => {
                self.ready.push_back(place.key().clone());
                place.insert(Lane {
                    messages: VecDeque::from([message]),
                    tries: 0,
                    refusals: 0,
                    hurried: false,
                });
            }
        }
    }

    /// What may go now; its lane waits until it is told how that went.
    pub(super) fn next(&mut self, now: Instant) -> Option<Try<K, M>> {
        while let Some(rest) = self.resting.first_entry()
            && rest.key().0 <= now
        {
            self.ready.push_back(rest.remove());
        }
        let key = self.ready.pop_front()?;
        let lane = self.by_key.get_mut(&key)?;
        lane.tries = lane.tries.saturating_add(1);
        Some(Try {
            message: lane.messages.front()?.clone(),
            attempt: lane.tries,
            refusals: lane.refusals,
            last: lane.hurried,
            key,
        })
    }

    /// The first message of the lane is done with; the next one may go.
    pub(super) fn settle(&mut self, key: &K) {
        let Some(lane) = self.by_key.get_mut(key) else {
            return;
        };
        self.held -= usize::from(lane.messages.pop_front().is_some());
        if lane.messages.is_empty() {
            self.by_key.remove(key);
            return;
        }
        (lane.tries, lane.refusals, lane.hurried) = (0, 0, false);
        self.ready.push_back(key.clone());
    }

    /// The first message of the lane comes again at `due`.
    pub(super) fn rest(&mut self, key: K, due: Instant, refused: bool) {
        if let Some(lane) = self.by_key.get_mut(&key) {
            lane.refusals = lane.refusals.saturating_add(refused.into());
            self.rests += 1;
            self.resting.insert((due, self.rests), key);
        }
    }

    /// When the next rest ends.
    pub(super) fn due(&self) -> Option<Instant> {
        self.resting.keys().next().map(|(due, _)| *due)
    }

    /// Makes room where nothing moves any more: of the messages that rest the one that was refused most often is tried once
    /// more, now, and for the last time. Those that found nobody stay: they are not to blame.
    pub(super) fn hurry(&mut self) -> bool {
        let refusals = |key: &K| self.by_key.get(key).map_or(0, |lane| lane.refusals);
        let worst = self
            .resting
            .iter()
            .map(|(rest, key)| (refusals(key), *rest))
            .max()
            .filter(|(refusals, _)| *refusals > 0);
        let Some(key) = worst.and_then(|(_, rest)| self.resting.remove(&rest)) else {
            return false;
        };
        if let Some(lane) = self.by_key.get_mut(&key) {
            lane.hurried = true;
        }
        self.ready.push_back(key);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn tries(lanes: &mut Lanes<char, u32>, now: Instant) -> Vec<(char, u32)> {
        std::iter::from_fn(|| lanes.next(now))
            .map(|one| (one.key, one.message))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn of_an_aggregate_the_oldest_goes_alone_and_others_pass_by() {
        let mut lanes = Lanes::default();
        for (key, message) in [('a', 1), ('a', 2), ('b', 1), ('a', 3)] {
            lanes.add(key, message);
        }
        let now = Instant::now();
        assert_eq!(tries(&mut lanes, now), [('a', 1), ('b', 1)]);
        let due = now + Duration::from_secs(1);
        lanes.rest('a', due, true);
        lanes.settle(&'b');
        assert_eq!((lanes.held(), lanes.due()), (3, Some(due)));
        lanes.add('b', 2);
        assert_eq!(tries(&mut lanes, now), [('b', 2)]);
        lanes.settle(&'b');
        let again = lanes.next(due).unwrap();
        assert_eq!((again.key, again.message), ('a', 1));
        assert_eq!((again.attempt, again.refusals, again.last), (2, 1, false));
        lanes.settle(&'a');
        let next = lanes.next(due).unwrap();
        assert_eq!((next.message, next.attempt, next.refusals), (2, 1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_was_refused_most_makes_room_and_no_one_who_found_nobody() {
        let mut lanes = Lanes::default();
        let now = Instant::now();
        let later = now + Duration::from_mins(1);
        for key in ['a', 'b', 'c'] {
            lanes.add(key, 1);
        }
        tries(&mut lanes, now);
        lanes.rest('a', later, false);
        assert!(!lanes.hurry());
        lanes.rest('b', later, true);
        lanes.rest('c', later, false);
        assert!(lanes.hurry());
        let hurried = lanes.next(now).unwrap();
        assert_eq!((hurried.key, hurried.last), ('b', true));
        assert!(!lanes.hurry());
    }

    proptest! {
        /// Whatever happens to them, messages of an aggregate are settled as they came, and none is forgotten.
        #[test]
        fn order_holds_and_nothing_is_forgotten(
            keys in proptest::collection::vec(0..5_u8, 0..60),
            fates in proptest::collection::vec(any::<bool>(), 200),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let _inside = runtime.enter();
            let mut lanes = Lanes::default();
            for (message, key) in keys.iter().enumerate() {
                lanes.add(*key, message);
            }
            let mut now = Instant::now();
            let mut settled: Vec<(u8, usize)> = Vec::new();
            let mut fates = fates.into_iter();
            loop {
                let Some(one) = lanes.next(now) else {
                    let Some(due) = lanes.due() else { break };
                    now = due;
                    continue;
                };
                if fates.next().unwrap_or(true) {
                    settled.push((one.key, one.message));
                    lanes.settle(&one.key);
                } else {
                    lanes.rest(one.key, now + Duration::from_secs(1), true);
                }
            }
            prop_assert_eq!(settled.len(), keys.len());
            prop_assert_eq!(lanes.held(), 0);
            for key in 0..5 {
                prop_assert!(settled.iter().filter(|(of, _)| *of == key).map(|(_, message)| message).is_sorted());
            }
        }
    }
}
