//! What the demo is made of: invented people and tickets, compiled in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A ticket as it was, with its story and how it stands at the end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Slug of its tenant.
    pub tenant: String,
    /// `de` or `en`.
    pub language: String,
    /// As `POST /tickets` takes it.
    pub title: String,
    /// As `POST /tickets` takes it.
    pub description: String,
    /// One of the tenant's categories.
    pub category: String,
    /// How soon somebody looks at it.
    pub priority: String,
    /// Free words.
    pub tags: Vec<String>,
    /// In order.
    pub comments: Vec<Comment>,
    /// Its status today.
    pub ends: Status,
}

/// What somebody says about a ticket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// Who.
    pub by: Side,
    /// For whom.
    pub visibility: Visibility,
    /// What.
    pub content: String,
}

/// The two sides of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Whoever asked.
    Customer,
    /// Whoever helps.
    Expert,
}

/// Who may read a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Both sides.
    Public,
    /// The helping side.
    Internal,
}

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has taken it.
    Open,
    /// Somebody works on it.
    InProgress,
    /// The customer was asked something.
    WaitingOnCustomer,
    /// Answered.
    Resolved,
    /// Done with.
    Closed,
}

impl Status {
    /// As the API writes it.
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
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
        }
    }
}

/// Someone who plays in the demo.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// `de` or `en`.
    pub locale: String,
    /// IANA name.
    pub time_zone: String,
    /// As `PUT /users/{id}/expertise` takes it.
    #[serde(default)]
    pub expertise: Vec<Value>,
}

/// A demo tenant.
#[derive(Clone, Copy, Debug)]
pub struct TenantPlan {
    /// What is named at sign-in.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its locale.
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

/// Categories of both tenants.
pub const CATEGORIES: [&str; 8] = [
    "account", "billing", "bug", "building", "hardware", "question", "request", "other",
];

/// The people of each tenant, by the names of [`crate::sign_ins::PEOPLE`].
pub fn people() -> Result<BTreeMap<String, BTreeMap<String, Person>>, serde_json::Error> {
    serde_json::from_str(include_str!("people.json"))
}

/// The tickets of a tenant.
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
    fn every_ticket_belongs_to_a_tenant_and_a_category_and_keeps_the_limits() {
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
    fn every_part_is_cast() {
        let people = people().unwrap();
        for tenant in TENANTS {
            for (person, _) in PEOPLE {
                assert!(people[tenant.slug].contains_key(person), "{person}");
            }
        }
    }
}
