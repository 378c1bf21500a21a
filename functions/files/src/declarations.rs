//! What this context declares for others: its feature flag, stored bytes as a metric, and people as resources with files.

use access::{
    declarations::{
        Flag, FlagDeclaration, Included, MetricDeclaration, ResourceType, ResourceTypeDeclaration,
        Texts,
    },
    usage::Metric,
};

const GIB: i64 = 1 << 30;

/// Switches this context on for a tenant.
pub const FLAG: Flag = Flag::new(&FlagDeclaration {
    name: "files",
    on_by_default: true,
    texts: Texts::new(["Dateien", "Hochgeladene Dateien."], ["Files", "Uploads."]),
});

/// Stored bytes.
pub(crate) const STORAGE_BYTES: Metric = Metric::new(&MetricDeclaration {
    name: "storage_bytes",
    limit_name: "storage_bytes",
    is_level: true,
    included: Included {
        trial: 5 * GIB,
        standard: 100 * GIB,
        enterprise: 1_024 * GIB,
    },
    usable_after_expiry: false,
    texts: Texts::new(
        ["Speicher (Bytes)", "Gespeicherte Bytes."],
        ["Storage (bytes)", "Stored bytes."],
    ),
});

/// What this context meters.
pub const METRICS: &[Metric] = &[STORAGE_BYTES];

/// A person, who has an avatar. There are no grants, as people only access their own files.
pub(crate) const USER: ResourceType = ResourceType::new(&ResourceTypeDeclaration {
    name: "user",
    texts: Texts::new(
        ["Person", "Eine Person mit ihrem Profilbild."],
        ["Person", "A person with their avatar."],
    ),
});

/// The resources that this context attaches files to by itself.
pub const FILE_RESOURCES: &[ResourceType] = &[USER];
