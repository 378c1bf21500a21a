//! Which functions an event goes to.

use std::collections::{BTreeMap, BTreeSet};

use events::Subscription;

/// Functions by the type that they listen to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing(BTreeMap<String, BTreeSet<String>>);

impl Routing {
    /// Several consumers of one function are one delivery: the function tells them apart.
    pub fn of<'a>(subscriptions: impl IntoIterator<Item = &'a Subscription>) -> Self {
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

    /// Every function that listens to anything.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let all: BTreeSet<&str> = self.0.values().flatten().map(String::as_str).collect();
        all.into_iter()
    }

    /// Whom an event of this type still goes to: those awaited, or at the first try all who listen.
    pub(crate) fn targets(&self, r#type: &str, awaited: Option<&[String]>) -> Vec<String> {
        let listening = self.0.get(r#type).into_iter().flatten();
        listening
            .filter(|name| awaited.is_none_or(|awaited| awaited.contains(name)))
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
        }
    }

    #[test]
    fn a_function_gets_an_event_once_however_many_consumers_it_has() {
        let routing = Routing::of(&[
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
    fn later_tries_go_to_whoever_is_still_awaited_and_still_listens() {
        let routing = Routing::of(&[
            subscription("notifications", "mails", &["a"]),
            subscription("analytics", "counts", &["a"]),
        ]);
        let awaited = ["notifications".to_owned(), "gone".to_owned()];
        assert_eq!(routing.targets("a", Some(&awaited)), ["notifications"]);
    }
}
