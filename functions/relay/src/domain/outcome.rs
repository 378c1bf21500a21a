//! What happens to an event after a delivery attempt.

/// The outcome of delivering one event to one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Accepted, now or by an earlier delivery.
    Delivered,
    /// The function could not be reached. Not the event's fault, so it is retried without limit.
    Unreachable(String),
    /// Refused for now. Too many refusals park the event.
    Retry(String),
    /// Refused permanently.
    Poison(String),
}

/// What to do with an event after one attempt to deliver it to all of its functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Disposition {
    /// Functions for which the event is parked, each with the reason.
    pub(crate) parked: Vec<(String, String)>,
    /// The retry that is left for the other functions, if any.
    pub(crate) retry: Option<Retry>,
}

/// A retry that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    /// The functions to deliver to.
    pub(crate) functions: Vec<String>,
    /// Whether at least one function refused the event, as opposed to being unreachable.
    pub(crate) is_refused: bool,
    /// Why the attempt failed, per function.
    pub(crate) reason: String,
}

/// Decides what to do after an attempt. `refusals` counts earlier refusals of the event; it is parked at `max_refusals`.
pub(crate) fn classify(
    outcomes: Vec<(String, DeliveryOutcome)>,
    refusals: i32,
    max_refusals: i32,
) -> Disposition {
    let mut disposition = Disposition::default();
    let mut failed = Vec::new();
    for (function, outcome) in outcomes {
        match outcome {
            DeliveryOutcome::Delivered => {}
            DeliveryOutcome::Poison(reason) => disposition.parked.push((function, reason)),
            DeliveryOutcome::Retry(reason) if refusals.saturating_add(1) >= max_refusals => {
                disposition.parked.push((function, reason));
            }
            DeliveryOutcome::Retry(reason) => failed.push((function, reason, true)),
            DeliveryOutcome::Unreachable(reason) => failed.push((function, reason, false)),
        }
    }
    if !failed.is_empty() {
        let reasons: Vec<String> = failed
            .iter()
            .map(|(function, reason, _)| format!("{function}: {reason}"))
            .collect();
        disposition.retry = Some(Retry {
            is_refused: failed.iter().any(|(_, _, is_refused)| *is_refused),
            functions: failed.into_iter().map(|(function, ..)| function).collect(),
            reason: reasons.join("; "),
        });
    }
    disposition
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(outcomes: &[(&str, DeliveryOutcome)], refusals: i32) -> Disposition {
        let owned = outcomes
            .iter()
            .map(|(function, outcome)| ((*function).to_owned(), outcome.clone()))
            .collect();
        classify(owned, refusals, 3)
    }

    fn retry() -> DeliveryOutcome {
        DeliveryOutcome::Retry("later".to_owned())
    }

    #[test]
    fn nothing_is_left_when_every_function_accepted() {
        assert_eq!(classified(&[], 0), Disposition::default());
        assert_eq!(
            classified(
                &[
                    ("a", DeliveryOutcome::Delivered),
                    ("b", DeliveryOutcome::Delivered)
                ],
                9
            ),
            Disposition::default()
        );
    }

    #[test]
    fn only_functions_that_failed_are_retried() {
        let disposition = classified(&[("a", DeliveryOutcome::Delivered), ("b", retry())], 0);
        let left = disposition.retry.unwrap();
        assert_eq!(
            (left.functions, left.is_refused),
            (vec!["b".to_owned()], true)
        );
        assert_eq!(left.reason, "b: later");
        assert!(disposition.parked.is_empty());
    }

    #[test]
    fn the_last_refusal_parks_and_poison_parks_at_once() {
        let parked = |disposition: Disposition| {
            disposition
                .parked
                .into_iter()
                .map(|(function, _)| function)
                .collect::<Vec<_>>()
        };
        assert!(parked(classified(&[("a", retry())], 1)).is_empty());
        assert_eq!(parked(classified(&[("a", retry())], 2)), ["a"]);
        let poison = DeliveryOutcome::Poison("never".to_owned());
        let disposition = classified(&[("a", poison), ("b", retry())], 0);
        assert_eq!(disposition.retry.as_ref().unwrap().functions, ["b"]);
        assert_eq!(parked(disposition), ["a"]);
    }

    #[test]
    fn an_outage_parks_nothing() {
        let unreachable = DeliveryOutcome::Unreachable("connection refused".to_owned());
        let disposition = classified(&[("a", unreachable)], 1_000);
        assert!(disposition.parked.is_empty());
        assert!(!disposition.retry.unwrap().is_refused);
    }
}
