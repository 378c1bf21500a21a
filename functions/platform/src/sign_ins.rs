//! Who can sign in to the demo, and with what: printed at every start, kept in `demo.json`, readable by its owner alone.

use std::{collections::BTreeMap, path::Path};

use ids::{TenantId, UserId};
use serde::{Deserialize, Serialize};

use crate::{Error, secrets};

/// The people of a demo tenant, with their role, in the order in which they are shown.
pub const PEOPLE: [(&str, &str); 6] = [
    ("admin", "admin"),
    ("manager", "manager"),
    ("expert", "expert"),
    ("expert2", "expert"),
    ("customer", "customer"),
    ("customer2", "customer"),
];

/// What `demo.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignIns {
    /// Where the platform is reached.
    pub base_url: String,
    /// Revalenz's own staff.
    pub superadmin: Superadmin,
    /// The demo tenants by slug.
    pub tenants: BTreeMap<String, Tenant>,
}

/// The account of Revalenz's own staff.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Superadmin {
    /// The tenant to name at sign-in: `revalenz`.
    pub tenant: String,
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// A demo tenant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tenant {
    /// Its identifier; none until it exists.
    pub id: Option<TenantId>,
    /// A key with every permission that its admin has.
    pub api_key: Option<String>,
    /// Its people, by the names of [`PEOPLE`].
    pub users: BTreeMap<String, User>,
}

/// Someone of a demo tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// Their identifier; none until they exist.
    pub id: Option<UserId>,
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
}

impl SignIns {
    /// Fresh passwords for everybody.
    pub fn fresh(base_url: &str, slugs: &[&str]) -> Self {
        Self {
            base_url: base_url.to_owned(),
            superadmin: Superadmin {
                tenant: "revalenz".to_owned(),
                email: "superadmin@revalenz.example".to_owned(),
                password: secrets::password(),
            },
            tenants: slugs
                .iter()
                .map(|slug| ((*slug).to_owned(), Tenant::fresh(slug)))
                .collect(),
        }
    }

    /// Reads the file, if there is one.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        let Some(text) = secrets::read(path)? else {
            return Ok(None);
        };
        let read = serde_json::from_str(&text).map_err(|error| {
            format!(
                "{}: {error}; remove it, and new passwords are made",
                path.display()
            )
        })?;
        Ok(Some(read))
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)?;
        Ok(secrets::write(path, &format!("{text}\n"))?)
    }

    /// One row a person: tenant, role, address, password.
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
    /// Fresh passwords for the people of a tenant.
    pub fn fresh(slug: &str) -> Self {
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

    /// Keeps addresses and passwords, and forgets what one database knows: identifiers and the key.
    pub fn forget(&mut self) {
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
    fn the_file_has_the_form_that_is_promised() {
        let json =
            serde_json::to_value(SignIns::fresh("http://127.0.0.1:8080", &["demo"])).unwrap();
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
    fn everybody_is_shown_staff_first() {
        let rows = SignIns::fresh("http://127.0.0.1:8080", &["demo", "other"]).rows();
        assert_eq!(rows.len(), 13);
        assert_eq!(rows[0][1], "superadmin");
        assert_eq!(rows[1][2], "admin@demo.example");
        assert_eq!(rows[12][2], "customer2@other.example");
    }
}
