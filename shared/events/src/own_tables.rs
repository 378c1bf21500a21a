//! The tables of the schema `events`, which every function may use.

db::tables! {
    /// A published event. The relay deletes it 30 days after its delivery.
    events.outbox: subject [reference(subject)], erasure [keep_until("delivery of events", days 30)],
        closure [kept("identifiers only, deleted by the relay; contains the event of the closure")] {
        tenant_id:         none;
        event_id:          none;
        type:              none;
        source:            none;
        subject:           personal;
        aggregate:         personal;
        aggregate_version: none;
        position:          none;
        occurred_at:       personal;
        data:              personal;
        sealed:            secret;
        request_id:        none;
        traceparent:       none;
        published_at:      none;
        attempts:          none;
        refusals:          none;
        next_attempt_at:   none;
        lease:             none;
        awaiting:          none;
        failure:           personal;
    }

    /// An event that a consumer has processed.
    events.inbox: subject [], erasure [keep], closure [kept("identifiers only, deleted by the relay")] {
        tenant_id:    none;
        consumer:     none;
        event_id:     none;
        processed_at: none;
    }

    /// An event that a consumer has refused.
    events.dead_letters: subject [path(event_id -> events.outbox)], erasure [keep],
        closure [kept("identifiers only, needed for replays")] {
        tenant_id:      none;
        dead_letter_id: none;
        consumer:       none;
        event_id:       none;
        envelope:       personal;
        reason:         personal;
        attempts:       none;
        parked_at:      none;
        replayed_at:    none;
    }

    /// The erasure of a closed tenant by one function.
    events.erasures: subject [], erasure [keep], closure [kept("the proof that everything else was erased")] {
        tenant_id:    none;
        function:     none;
        requested_at: none;
        erased_at:    none;
        erased_rows:  none;
    }

    /// A run of a scheduled job.
    events.job_runs: subject [], erasure [keep], closure [not_tenant_data] {
        function:     none;
        job:          none;
        scheduled_at: none;
        status:       none;
        attempts:     none;
        started_at:   none;
        lease_until:  none;
        finished_at:  none;
        result:       none;
        failure:      personal;
        progress:     none;
    }
}
