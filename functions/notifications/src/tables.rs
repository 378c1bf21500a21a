//! The tables of this context.

db::tables! {
    /// A message to a person. One-time links stay sealed and are blanked after the last attempt.
    notifications.messages: subject [user(recipient_id), email(address)], erasure [delete_row],
        closure [erased_by(notifications)] {
        tenant_id:       none;
        message_id:      none;
        dedup_key:       personal;
        channel:         none;
        template:        personal;
        locale:          personal;
        recipient_id:    personal;
        address:         personal;
        subject:         personal;
        params:          personal;
        sealed:          secret;
        status:          none;
        attempts:        none;
        next_attempt_at: none;
        last_error:      personal;
        created_at:      personal;
        sent_at:         personal;
    }
}
