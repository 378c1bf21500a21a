//! How this context refuses.

use web::Problem;

use crate::domain::status::{Refused, Status};

web::problems! {
    /// The ticket can't take that step.
    ILLEGAL_TRANSITION = CONFLICT "illegal_transition" {
        de: "Statuswechsel nicht möglich", "Von {from} aus können Sie wechseln nach: {legal}.";
        en: "Status change not possible", "From {from} you can go to: {legal}.";
    }
    /// A field that only staff may change.
    STAFF_ONLY_FIELD = FORBIDDEN "staff_only_field" {
        de: "Feld nur für Mitarbeitende", "{field} ändern nur die Mitarbeitenden der Organisation.";
        en: "Field for staff only", "{field} can only be changed by the organisation's staff.";
    }
    /// A closed ticket takes no more comments from customers.
    TICKET_CLOSED = CONFLICT "ticket_closed" {
        de: "Ticket geschlossen", "Das Ticket ist geschlossen. Bitte ein neues eröffnen.";
        en: "Ticket closed", "The ticket is closed. Please open a new one.";
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let legal: Vec<&str> = refused
            .legal
            .iter()
            .map(|status| Status::as_str(*status))
            .collect();
        ILLEGAL_TRANSITION
            .problem()
            .argument("from", refused.from)
            .argument(
                "legal",
                if legal.is_empty() {
                    "-".to_owned()
                } else {
                    legal.join(", ")
                },
            )
            .member("legal_transitions", legal)
    }
}
