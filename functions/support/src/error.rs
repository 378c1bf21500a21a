//! Problems that this context returns.

use web::Problem;

use crate::domain::{
    status::{IllegalTransition, Status},
    update::UpdateError,
};

web::problems! {
    /// The ticket cannot change to the requested status.
    ILLEGAL_TRANSITION = CONFLICT "illegal_transition" {
        de: "Statuswechsel nicht möglich", "Vom Status {from} ist nur ein Wechsel zu folgenden Status möglich: {legal}.";
        en: "Status change not possible", "The status can only change from {from} to: {legal}.";
        members { legal_transitions: Texts "The statuses that are possible now." }
    }
    /// Only staff may set this field.
    STAFF_ONLY_FIELD = FORBIDDEN "staff_only_field" {
        de: "Feld nur für Mitarbeitende", "Das Feld {field} können nur Mitarbeitende der Organisation ändern.";
        en: "Field reserved for staff", "Only the organisation's staff can set the field {field}.";
    }
    /// Customers cannot change a closed ticket or its comments.
    TICKET_CLOSED = CONFLICT "ticket_closed" {
        de: "Ticket geschlossen", "Dieses Ticket ist geschlossen. Bitte erstellen Sie ein neues Ticket.";
        en: "Ticket closed", "This ticket is closed. Create a new ticket.";
    }
}

impl From<IllegalTransition> for Problem {
    fn from(refused: IllegalTransition) -> Self {
        let legal: Vec<&str> = refused
            .allowed
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

impl From<UpdateError> for Problem {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::StaffOnlyField(field) => {
                STAFF_ONLY_FIELD.problem().argument("field", field)
            }
            UpdateError::IllegalTransition(refused) => refused.into(),
        }
    }
}
