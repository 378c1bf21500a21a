//! Migrations are compiled in, so a new file must rebuild this crate.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
    println!("cargo:rerun-if-changed=../../infra/postgres/roles.sql");
}
