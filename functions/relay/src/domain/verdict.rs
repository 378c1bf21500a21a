//! What becomes of an event after a try.

/// How a delivery went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Taken, now or before.
    Delivered,
    /// Nobody was there to take it: not the event's fault, so it is tried for as long as it takes.
    Unreachable(String),
    /// Refused for now; too many of these park it.
    Retry(String),
    /// Refused for ever.
    Poison(String),
}

/// What one try came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Functions that will not take it, each with its reason.
    pub(crate) parked: Vec<(String, String)>,
    /// What is left to do for the others, if anything is.
    pub(crate) again: Option<Again>,
}

/// Another try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Again {
    /// For these functions.
    pub(crate) functions: Vec<String>,
    /// Whether one of them said no.
    pub(crate) refused: bool,
    /// Why.
    pub(crate) reason: String,
}

/// Weighs how the deliveries went. `refusals` is how often the event was refused before; `most` how often it may be.
pub(crate) fn weigh(deliveries: Vec<(String, Delivery)>, refusals: i32, most: i32) -> Verdict {
    let mut verdict = Verdict::default();
    let mut again = Vec::new();
    for (function, delivery) in deliveries {
        match delivery {
            Delivery::Delivered => {}
            Delivery::Poison(reason) => verdict.parked.push((function, reason)),
            Delivery::Retry(reason) if refusals.saturating_add(1) >= most => {
                verdict.parked.push((function, reason));
            }
            Delivery::Retry(reason) => again.push((function, reason, true)),
            Delivery::Unreachable(reason) => again.push((function, reason, false)),
        }
    }
    if !again.is_empty() {
        let reasons: Vec<String> = again
            .iter()
            .map(|(f, why, _)| format!("{f}: {why}"))
            .collect();
        verdict.again = Some(Again {
            refused: again.iter().any(|(_, _, refused)| *refused),
            functions: again.into_iter().map(|(function, ..)| function).collect(),
            reason: reasons.join("; "),
        });
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighed(deliveries: &[(&str, Delivery)], refusals: i32) -> Verdict {
        let owned = deliveries
            .iter()
            .map(|(function, delivery)| ((*function).to_owned(), delivery.clone()))
            .collect();
        weigh(owned, refusals, 3)
    }

    fn retry() -> Delivery {
        Delivery::Retry("later".to_owned())
    }

    #[test]
    fn when_all_have_taken_it_nothing_is_left() {
        assert_eq!(weighed(&[], 0), Verdict::default());
        assert_eq!(
            weighed(&[("a", Delivery::Delivered), ("b", Delivery::Delivered)], 9),
            Verdict::default()
        );
    }

    #[test]
    fn only_those_that_failed_are_tried_again() {
        let verdict = weighed(&[("a", Delivery::Delivered), ("b", retry())], 0);
        let again = verdict.again.unwrap();
        assert_eq!(
            (again.functions, again.refused),
            (vec!["b".to_owned()], true)
        );
        assert_eq!(again.reason, "b: later");
        assert!(verdict.parked.is_empty());
    }

    #[test]
    fn the_last_refusal_parks_and_poison_parks_at_once() {
        let parked = |verdict: Verdict| {
            verdict
                .parked
                .into_iter()
                .map(|(f, _)| f)
                .collect::<Vec<_>>()
        };
        assert!(parked(weighed(&[("a", retry())], 1)).is_empty());
        assert_eq!(parked(weighed(&[("a", retry())], 2)), ["a"]);
        let poison = Delivery::Poison("never".to_owned());
        let verdict = weighed(&[("a", poison), ("b", retry())], 0);
        assert_eq!(verdict.again.as_ref().unwrap().functions, ["b"]);
        assert_eq!(parked(verdict), ["a"]);
    }

    #[test]
    fn an_outage_parks_nothing() {
        let away = Delivery::Unreachable("connection refused".to_owned());
        let verdict = weighed(&[("a", away)], 1_000);
        assert!(verdict.parked.is_empty());
        assert!(!verdict.again.unwrap().refused);
    }
}
