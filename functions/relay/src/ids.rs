//! The identifiers that only this context knows.

::ids::ids! {
    /// An event that a function refused.
    DeadLetter => DeadLetterId, "dead_letter";
}
