//! Which functions receive an event.

use std::collections::{BTreeMap, BTreeSet};

use events::Subscription;

/// Functions by the event type that they subscribe to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing(BTreeMap<String, BTreeSet<String>>);

impl Routing {
    /// Routes for these subscriptions. A function with several consumers of a type gets one delivery.
    pub fn from_subscriptions<'a>(
        subscriptions: impl IntoIterator<Item = &'a Subscription>,
    ) -> Self {
        let mut routing = BTreeMap::<String, BTreeSet<String>>::new();
        for subscription in subscriptions {
            for r#type in &subscription.types {
                routing
                    .entry(r#type.clone())
                    .or_default()
                    .insert(subscription.function.clone());
            }
        }
        Self(routing)
    }

    /// Every function with a subscription.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let functions: BTreeSet<&str> = self.0.values().flatten().map(String::as_str).collect();
        functions.into_iter()
    }

    /// The functions to deliver an event of this type to: all subscribers, or after the first attempt those still awaited.
    pub(crate) fn targets(&self, r#type: &str, awaiting: Option<&[String]>) -> Vec<String> {
        let subscribers = self.0.get(r#type).into_iter().flatten();
        subscribers
            .filter(|name| awaiting.is_none_or(|awaiting| awaiting.contains(name)))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(function: &str, consumer: &str, types: &[&str]) -> Subscription {
        Subscription {
            function: function.to_owned(),
            consumer: consumer.to_owned(),
            types: types.iter().map(ToString::to_string).collect(),
            fields: BTreeMap::new(),
        }
    }

    #[test]
    fn a_function_with_several_consumers_gets_an_event_once() {
        let routing = Routing::from_subscriptions(&[
            subscription("notifications", "mails", &["a", "b"]),
            subscription("notifications", "digests", &["a"]),
            subscription("analytics", "counts", &["a"]),
        ]);
        assert_eq!(routing.targets("a", None), ["analytics", "notifications"]);
        assert_eq!(routing.targets("b", None), ["notifications"]);
        assert!(routing.targets("c", None).is_empty());
        assert_eq!(
            routing.functions().collect::<Vec<_>>(),
            ["analytics", "notifications"]
        );
    }

    #[test]
    fn retries_go_to_functions_that_are_awaited_and_still_subscribed() {
        let routing = Routing::from_subscriptions(&[
            subscription("notifications", "mails", &["a"]),
            subscription("analytics", "counts", &["a"]),
        ]);
        let awaiting = ["notifications".to_owned(), "gone".to_owned()];
        assert_eq!(routing.targets("a", Some(&awaiting)), ["notifications"]);
    }
}
