//! The tables of this context.

db::tables! {
    /// A change of a ticket. Values may repeat the requester's words.
    support.ticket_history: subject [path(ticket_id -> support.tickets)], erasure [keep], closure [erased_by(support)] {
        tenant_id:         none;
        ticket_history_id: none;
        ticket_id:         none;
        field:             none;
        old_value:         personal, nullify;
        new_value:         personal, nullify;
        visibility:        none;
        actor_kind:        none;
        actor_id:          personal;
        occurred_at:       none;
        position:          none;
    }

    /// A comment. The author's name goes with the user; the text stays, because the ticket belongs to others too.
    support.ticket_comments: subject [user(author_id)], erasure [keep], closure [erased_by(support)] {
        tenant_id:         none;
        ticket_comment_id: none;
        ticket_id:         none;
        author_kind:       none;
        author_id:         personal;
        content:           personal;
        visibility:        none;
        edited_at:         none;
        deleted_at:        none;
        version:           none;
        created_at:        personal;
        updated_at:        none;
    }

    /// A ticket. It belongs to its requester. `search` is generated from title and description.
    support.tickets: subject [user(requester_id), email(requester_email)], erasure [keep], closure [erased_by(support)] {
        tenant_id:          none;
        ticket_id:          none;
        number:             none;
        title:              personal, pseudonymise;
        description:        personal, pseudonymise;
        status:             none;
        priority:           none;
        category:           none;
        tags:               personal;
        channel:            none;
        created_by_kind:    none;
        created_by_id:      personal;
        requester_id:       personal;
        requester_email:    personal, nullify;
        assigned_to:        personal;
        team:               none;
        due_at:             none;
        first_responded_at: none;
        resolved_at:        none;
        closed_at:          none;
        deleted_at:         none;
        version:            none;
        created_at:         personal;
        updated_at:         none;
        search:             personal;
        external_source:    none;
        external_id:        none;
    }

    /// The last ticket number.
    support.ticket_counters: subject [], erasure [keep], closure [erased_by(support)] {
        tenant_id:   none;
        last_number: none;
    }
}
