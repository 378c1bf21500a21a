//! How this context refuses.

web::problems! {
    /// The dead letter is on its way again, or was taken since.
    ALREADY_REPLAYED = CONFLICT "already_replayed" {
        de: "Schon wiederholt", "Dieses Ereignis ist bereits wieder auf dem Weg oder inzwischen angenommen.";
        en: "Already replayed", "This event is on its way again, or has been taken since.";
    }
}
