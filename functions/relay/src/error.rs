//! Problems of this context.

web::problems! {
    /// The dead letter was replayed before.
    ALREADY_REPLAYED = CONFLICT "already_replayed" {
        de: "Bereits erneut zugestellt", "Dieses Ereignis wird bereits erneut zugestellt oder wurde inzwischen angenommen. Es ist nichts weiter zu tun.";
        en: "Already replayed", "This event is already being delivered again or has been accepted since. There is nothing left to do.";
    }
}
