//! Fixtures of the demo: invented people and tickets, compiled in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A ticket with its comments and final status.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Slug of its tenant.
    pub tenant: String,
    /// `de` or `en`.
    pub language: String,
    /// As in `POST /tickets`.
    pub title: String,
    /// As in `POST /tickets`.
    pub description: String,
    /// One of the tenant's categories.
    pub category: String,
    /// Priority, as in the API.
    pub priority: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Comments in order.
    pub comments: Vec<Comment>,
    /// Final status.
    pub ends: Status,
}

/// A comment on a ticket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// Author.
    pub by: Author,
    /// Visibility.
    pub visibility: Visibility,
    /// Text.
    pub content: String,
}

/// Author of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The customer who opened the ticket.
    Customer,
    /// The expert who handles it.
    Expert,
}

/// Visibility of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Visible to the customer.
    Public,
    /// Visible to staff only.
    Internal,
}

/// Status of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not assigned.
    Open,
    /// In progress.
    InProgress,
    /// Waiting for an answer of the customer.
    WaitingOnCustomer,
    /// Resolved.
    Resolved,
    /// Closed.
    Closed,
}

impl Status {
    /// Returns the value used by the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::WaitingOnCustomer => "waiting_on_customer",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }
}

impl Visibility {
    /// Returns the value used by the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
        }
    }
}

/// A person of the demo.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// `de` or `en`.
    pub locale: String,
    /// IANA time zone.
    pub time_zone: String,
    /// As in `PUT /users/{id}/expertise`.
    #[serde(default)]
    pub expertise: Vec<Value>,
}

/// A demo tenant.
#[derive(Clone, Copy, Debug)]
pub struct TenantPlan {
    /// Slug for sign-in.
    pub slug: &'static str,
    /// Display name.
    pub name: &'static str,
    /// Default locale.
    pub locale: &'static str,
}

/// The demo tenants.
pub const TENANTS: [TenantPlan; 2] = [
    TenantPlan {
        slug: "demo",
        name: "Demo GmbH",
        locale: "de",
    },
    TenantPlan {
        slug: "other",
        name: "Other AG",
        locale: "de",
    },
];

/// Ticket categories of both tenants.
pub const CATEGORIES: [&str; 8] = [
    "account", "billing", "bug", "building", "hardware", "question", "request", "other",
];

/// Returns the people of each tenant, by the names in [`crate::sign_ins::PEOPLE`].
pub fn people() -> Result<BTreeMap<String, BTreeMap<String, Person>>, serde_json::Error> {
    serde_json::from_str(include_str!("people.json"))
}

/// Returns the tickets of a tenant.
pub fn tickets(slug: &str) -> Result<Vec<Ticket>, serde_json::Error> {
    let all: Vec<Ticket> = serde_json::from_str(include_str!("tickets.json"))?;
    Ok(all
        .into_iter()
        .filter(|ticket| ticket.tenant == slug)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_ins::PEOPLE;

    #[test]
    fn every_ticket_has_a_valid_tenant_category_and_length() {
        let mut count = 0;
        for tenant in TENANTS {
            for ticket in tickets(tenant.slug).unwrap() {
                count += 1;
                assert!(
                    CATEGORIES.contains(&ticket.category.as_str()),
                    "{}",
                    ticket.title
                );
                assert!((1..=255).contains(&ticket.title.chars().count()));
                assert!((1..=20_000).contains(&ticket.description.chars().count()));
                assert!(["de", "en"].contains(&ticket.language.as_str()));
            }
        }
        let all: Vec<Ticket> = serde_json::from_str(include_str!("tickets.json")).unwrap();
        assert_eq!(count, all.len(), "every ticket has a tenant");
        assert!(count > 150);
    }

    #[test]
    fn every_tenant_has_all_people() {
        let people = people().unwrap();
        for tenant in TENANTS {
            for (person, _) in PEOPLE {
                assert!(people[tenant.slug].contains_key(person), "{person}");
            }
        }
    }
}
