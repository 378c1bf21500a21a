//! The plans.

web::text_enum! {
    /// The plan of a licence.
    pub enum LicenseType {
        /// For evaluation.
        Trial = "trial",
        /// The default plan.
        Standard = "standard",
        /// For large organisations.
        Enterprise = "enterprise",
        /// For the platform's own organisations: demo, benchmark and test.
        Internal = "internal",
    }
}
