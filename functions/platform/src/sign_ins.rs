//! Demo accounts and their passwords: printed at every start and stored in `demo.json`, which only its owner can read.

use std::{collections::BTreeMap, path::Path};

use ids::{TenantId, UserId};
use serde::{Deserialize, Serialize};

use crate::{Error, secrets};

/// Name of the file in `LOCAL_DIR`.
pub const FILE: &str = "demo.json";

/// Email address of the demo's superadmin.
pub const SUPERADMIN: &str = "superadmin@revalenz.example";

/// The people of a demo tenant and their roles, in display order.
pub const PEOPLE: [(&str, &str); 6] = [
    ("admin", "admin"),
    ("manager", "manager"),
    ("expert", "expert"),
    ("expert2", "expert"),
    ("customer", "customer"),
    ("customer2", "customer"),
];

/// Content of `demo.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignIns {
    /// Public URL of the platform.
    pub base_url: String,
    /// The superadmin.
    pub superadmin: Superadmin,
    /// The demo tenants by slug.
    pub tenants: BTreeMap<String, Tenant>,
}

/// The superadmin's account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Superadmin {
    /// Tenant slug for sign-in: `revalenz`.
    pub tenant: String,
    /// Email address.
    pub email: String,
    /// Password.
    pub password: String,
}

/// A demo tenant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tenant {
    /// Identifier; `None` until the tenant exists.
    pub id: Option<TenantId>,
    /// API key with all permissions of the admin.
    pub api_key: Option<String>,
    /// Users, by the names in [`PEOPLE`].
    pub users: BTreeMap<String, User>,
}

/// A user of a demo tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// Identifier; `None` until the user exists.
    pub id: Option<UserId>,
    /// Email address.
    pub email: String,
    /// Password.
    pub password: String,
}

/// An account and its password.
#[derive(Clone, Debug)]
pub struct Account {
    /// Slug of the tenant.
    pub tenant: String,
    /// Email address.
    pub email: String,
    /// Password.
    pub password: String,
}

impl SignIns {
    /// Generates passwords for everyone.
    pub fn generate(base_url: &str, slugs: &[&str]) -> Self {
        Self {
            base_url: base_url.to_owned(),
            superadmin: Superadmin {
                tenant: "revalenz".to_owned(),
                email: SUPERADMIN.to_owned(),
                password: secrets::password(),
            },
            tenants: slugs
                .iter()
                .map(|slug| ((*slug).to_owned(), Tenant::generate(slug)))
                .collect(),
        }
    }

    /// Reads the file; returns `None` if it does not exist.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        let Some(text) = secrets::read(path)? else {
            return Ok(None);
        };
        let sign_ins = serde_json::from_str(&text).map_err(|error| {
            format!(
                "{}: {error}; remove the file to generate new passwords",
                path.display()
            )
        })?;
        Ok(Some(sign_ins))
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)?;
        Ok(secrets::write(path, &format!("{text}\n"))?)
    }

    /// Returns the account of a person of a tenant.
    pub fn account(&self, slug: &str, person: &str) -> Result<Account, Error> {
        let user = self
            .tenants
            .get(slug)
            .and_then(|tenant| tenant.users.get(person));
        let user = user.ok_or_else(|| format!("demo.json has no {person} of {slug}"))?;
        Ok(Account {
            tenant: slug.to_owned(),
            email: user.email.clone(),
            password: user.password.clone(),
        })
    }

    /// Returns the account of the superadmin.
    pub fn superadmin_account(&self) -> Account {
        let staff = &self.superadmin;
        Account {
            tenant: staff.tenant.clone(),
            email: staff.email.clone(),
            password: staff.password.clone(),
        }
    }

    /// Returns one row per person: tenant, role, email address, password.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let staff = &self.superadmin;
        let mut rows = vec![vec![
            staff.tenant.clone(),
            "superadmin".to_owned(),
            staff.email.clone(),
            staff.password.clone(),
        ]];
        for (slug, tenant) in &self.tenants {
            for (person, role) in PEOPLE {
                if let Some(user) = tenant.users.get(person) {
                    rows.push(vec![
                        slug.clone(),
                        role.to_owned(),
                        user.email.clone(),
                        user.password.clone(),
                    ]);
                }
            }
        }
        rows
    }
}

impl Tenant {
    /// Generates passwords for the people of a tenant.
    pub fn generate(slug: &str) -> Self {
        let users = PEOPLE.iter().map(|(person, _)| {
            let user = User {
                id: None,
                email: format!("{person}@{slug}.example"),
                password: secrets::password(),
            };
            ((*person).to_owned(), user)
        });
        Self {
            users: users.collect(),
            ..Self::default()
        }
    }

    /// Clears the identifiers and the API key, which belong to one database. Email addresses and passwords stay.
    pub fn clear_ids(&mut self) {
        self.id = None;
        self.api_key = None;
        for user in self.users.values_mut() {
            user.id = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_documented_format() {
        let json =
            serde_json::to_value(SignIns::generate("http://127.0.0.1:8080", &["demo"])).unwrap();
        assert_eq!(json["superadmin"]["tenant"], "revalenz");
        let demo = &json["tenants"]["demo"];
        for field in ["id", "api_key", "users"] {
            assert!(demo.get(field).is_some(), "{field}");
        }
        let manager = &demo["users"]["manager"];
        assert_eq!(manager["email"], "manager@demo.example");
        assert_eq!(manager["password"].as_str().unwrap().len(), 20);
        let people: Vec<_> = demo["users"].as_object().unwrap().keys().collect();
        assert_eq!(
            people,
            [
                "admin",
                "customer",
                "customer2",
                "expert",
                "expert2",
                "manager"
            ]
        );
    }

    #[test]
    fn rows_list_everyone_superadmin_first() {
        let rows = SignIns::generate("http://127.0.0.1:8080", &["demo", "other"]).rows();
        assert_eq!(rows.len(), 13);
        assert_eq!(rows[0][1], "superadmin");
        assert_eq!(rows[1][2], "admin@demo.example");
        assert_eq!(rows[12][2], "customer2@other.example");
    }
}
