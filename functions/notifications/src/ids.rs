//! The identifiers that only this context knows.

::ids::ids! {
    /// A message sent to a person, such as an email.
    Message => MessageId, "message";
}
