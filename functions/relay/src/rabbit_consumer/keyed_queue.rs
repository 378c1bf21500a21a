//! A queue that is ordered per key: messages of one aggregate are delivered one after the other, and aggregates do not wait for
//! each other.

use std::collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry};

use tokio::time::Instant;

/// Pending messages by key. For each key only the first message is in flight or delayed.
#[derive(Debug)]
pub(super) struct KeyedQueue<K, M> {
    by_key: HashMap<K, Pending<M>>,
    /// Keys whose first message may be delivered.
    ready: VecDeque<K>,
    /// Keys whose first message is delayed, by due time; the number distinguishes equal times.
    delayed: BTreeMap<(Instant, u64), K>,
    delay_count: u64,
    len: usize,
}

/// The messages of one key, and the attempts to deliver the first of them.
#[derive(Debug)]
struct Pending<M> {
    messages: VecDeque<M>,
    attempts: i32,
    refusals: i32,
    /// The next refusal parks the message.
    is_expedited: bool,
}

/// An attempt to make now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt<K, M> {
    pub(super) key: K,
    pub(super) message: M,
    /// Counts from 1.
    pub(super) number: i32,
    /// Number of earlier refusals.
    pub(super) refusals: i32,
    /// Whether a refusal parks the message regardless of earlier refusals.
    pub(super) is_last: bool,
}

impl<K, M> Default for KeyedQueue<K, M> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
            ready: VecDeque::new(),
            delayed: BTreeMap::new(),
            delay_count: 0,
            len: 0,
        }
    }
}

impl<K: Clone + Eq + std::hash::Hash, M: Clone> KeyedQueue<K, M> {
    /// Number of messages that are not completed.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends a message to those of its key.
    pub(super) fn push(&mut self, key: K, message: M) {
        self.len += 1;
        match self.by_key.entry(key) {
            Entry::Occupied(mut pending) => pending.get_mut().messages.push_back(message),
            Entry::Vacant(entry) => {
                self.ready.push_back(entry.key().clone());
                entry.insert(Pending {
                    messages: VecDeque::from([message]),
                    attempts: 0,
                    refusals: 0,
                    is_expedited: false,
                });
            }
        }
    }

    /// The next message to deliver. Its key is blocked until [`Self::complete`] or [`Self::delay`] is called.
    pub(super) fn next_ready(&mut self, now: Instant) -> Option<Attempt<K, M>> {
        while let Some(delayed) = self.delayed.first_entry()
            && delayed.key().0 <= now
        {
            self.ready.push_back(delayed.remove());
        }
        let key = self.ready.pop_front()?;
        let pending = self.by_key.get_mut(&key)?;
        pending.attempts = pending.attempts.saturating_add(1);
        Some(Attempt {
            message: pending.messages.front()?.clone(),
            number: pending.attempts,
            refusals: pending.refusals,
            is_last: pending.is_expedited,
            key,
        })
    }

    /// Removes the first message of the key; the next one becomes ready.
    pub(super) fn complete(&mut self, key: &K) {
        let Some(pending) = self.by_key.get_mut(key) else {
            return;
        };
        self.len -= usize::from(pending.messages.pop_front().is_some());
        if pending.messages.is_empty() {
            self.by_key.remove(key);
            return;
        }
        (pending.attempts, pending.refusals, pending.is_expedited) = (0, 0, false);
        self.ready.push_back(key.clone());
    }

    /// Delays the first message of the key until `due`.
    pub(super) fn delay(&mut self, key: K, due: Instant, is_refused: bool) {
        if let Some(pending) = self.by_key.get_mut(&key) {
            pending.refusals = pending.refusals.saturating_add(is_refused.into());
            self.delay_count += 1;
            self.delayed.insert((due, self.delay_count), key);
        }
    }

    /// When the next delayed message is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.keys().next().map(|(due, _)| *due)
    }

    /// Makes room when every message is delayed: the one with the most refusals becomes ready for its last attempt. Messages
    /// that only found their function unreachable are not parked for that.
    pub(super) fn expedite(&mut self) -> bool {
        let refusals = |key: &K| self.by_key.get(key).map_or(0, |pending| pending.refusals);
        let most_refused = self
            .delayed
            .iter()
            .map(|(due, key)| (refusals(key), *due))
            .max()
            .filter(|(refusals, _)| *refusals > 0);
        let Some(key) = most_refused.and_then(|(_, due)| self.delayed.remove(&due)) else {
            return false;
        };
        if let Some(pending) = self.by_key.get_mut(&key) {
            pending.is_expedited = true;
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

    fn take_ready(queue: &mut KeyedQueue<char, u32>, now: Instant) -> Vec<(char, u32)> {
        std::iter::from_fn(|| queue.next_ready(now))
            .map(|attempt| (attempt.key, attempt.message))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn messages_of_one_key_are_sequential_and_other_keys_proceed() {
        let mut queue = KeyedQueue::default();
        for (key, message) in [('a', 1), ('a', 2), ('b', 1), ('a', 3)] {
            queue.push(key, message);
        }
        let now = Instant::now();
        assert_eq!(take_ready(&mut queue, now), [('a', 1), ('b', 1)]);
        let due = now + Duration::from_secs(1);
        queue.delay('a', due, true);
        queue.complete(&'b');
        assert_eq!((queue.len(), queue.next_due()), (3, Some(due)));
        queue.push('b', 2);
        assert_eq!(take_ready(&mut queue, now), [('b', 2)]);
        queue.complete(&'b');
        let retry = queue.next_ready(due).unwrap();
        assert_eq!((retry.key, retry.message), ('a', 1));
        assert_eq!((retry.number, retry.refusals, retry.is_last), (2, 1, false));
        queue.complete(&'a');
        let next = queue.next_ready(due).unwrap();
        assert_eq!((next.message, next.number, next.refusals), (2, 1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn the_most_refused_message_is_expedited_and_unreachable_ones_are_not() {
        let mut queue = KeyedQueue::default();
        let now = Instant::now();
        let later = now + Duration::from_mins(1);
        for key in ['a', 'b', 'c'] {
            queue.push(key, 1);
        }
        take_ready(&mut queue, now);
        queue.delay('a', later, false);
        assert!(!queue.expedite());
        queue.delay('b', later, true);
        queue.delay('c', later, false);
        assert!(queue.expedite());
        let expedited = queue.next_ready(now).unwrap();
        assert_eq!((expedited.key, expedited.is_last), ('b', true));
        assert!(!queue.expedite());
    }

    proptest! {
        /// Messages of a key are completed in order, and none is lost.
        #[test]
        fn order_per_key_holds_and_nothing_is_lost(
            keys in proptest::collection::vec(0..5_u8, 0..60),
            successes in proptest::collection::vec(any::<bool>(), 200),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let _guard = runtime.enter();
            let mut queue = KeyedQueue::default();
            for (message, key) in keys.iter().enumerate() {
                queue.push(*key, message);
            }
            let mut now = Instant::now();
            let mut completed: Vec<(u8, usize)> = Vec::new();
            let mut successes = successes.into_iter();
            loop {
                let Some(attempt) = queue.next_ready(now) else {
                    let Some(due) = queue.next_due() else { break };
                    now = due;
                    continue;
                };
                if successes.next().unwrap_or(true) {
                    completed.push((attempt.key, attempt.message));
                    queue.complete(&attempt.key);
                } else {
                    queue.delay(attempt.key, now + Duration::from_secs(1), true);
                }
            }
            prop_assert_eq!(completed.len(), keys.len());
            prop_assert_eq!(queue.len(), 0);
            for key in 0..5 {
                prop_assert!(completed.iter().filter(|(of, _)| *of == key).map(|(_, message)| message).is_sorted());
            }
        }
    }
}
