//! How a function refuses an event. The relay decides by the status and keeps `reason`.

web::problems! {
    /// A consumer will never take this event: it is parked at once.
    EVENT_REFUSED = UNPROCESSABLE_ENTITY "event_refused" {
        de: "Ereignis abgelehnt", "{consumer} kann dieses Ereignis nicht verarbeiten: {reason}";
        en: "Event refused", "{consumer} can't process this event: {reason}";
    }
    /// A consumer could not take this event now: it comes again.
    EVENT_POSTPONED = SERVICE_UNAVAILABLE "event_postponed" {
        de: "Ereignis aufgeschoben", "{consumer} kann dieses Ereignis gerade nicht verarbeiten: {reason}";
        en: "Event postponed", "{consumer} can't process this event now: {reason}";
    }
    /// A run of this job is under way.
    JOB_RUNNING = CONFLICT "job_running" {
        de: "Läuft gerade", "Ein Lauf dieser Aufgabe ist noch im Gange.";
        en: "Still running", "A run of this job is still under way.";
    }
}
