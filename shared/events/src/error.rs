//! Problem kinds for events and jobs. The relay decides by the status and stores `reason`.

web::problems! {
    /// A consumer can never process this event; it is parked immediately.
    EVENT_REFUSED = UNPROCESSABLE_ENTITY "event_refused" {
        de: "Ereignis abgelehnt", "{consumer} kann dieses Ereignis nicht verarbeiten: {reason}";
        en: "Event refused", "{consumer} cannot process this event: {reason}";
        members { reason: Text "What the consumer said." }
    }
    /// A consumer cannot process this event now; it is delivered again.
    EVENT_POSTPONED = SERVICE_UNAVAILABLE "event_postponed" {
        de: "Ereignis zurückgestellt", "{consumer} kann dieses Ereignis zurzeit nicht verarbeiten: {reason}";
        en: "Event postponed", "{consumer} cannot process this event right now: {reason}";
        members { reason: Text "What the consumer said." }
    }
    /// A run of this job is in progress.
    JOB_RUNNING = CONFLICT "job_running" {
        de: "Aufgabe läuft bereits", "Ein Lauf dieser Aufgabe ist noch nicht abgeschlossen.";
        en: "Job already running", "A run of this job is still in progress.";
    }
}
