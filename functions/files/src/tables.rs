//! The tables of this context. The contents are objects in the store, erased with their row.

db::tables! {
    /// A part of an upload.
    files.parts: subject [path(file_id -> files.files)], erasure [keep], closure [erased_by(files)] {
        tenant_id:  none;
        file_id:    none;
        begins_at:  none;
        size:       none;
        object_key: none;
    }

    /// An upload in progress.
    files.uploads: subject [path(file_id -> files.files)], erasure [keep], closure [erased_by(files)] {
        tenant_id:       none;
        file_id:         none;
        protocol:        none;
        length:          none;
        received:        none;
        reserved:        none;
        parts:           none;
        expected_sha256: none;
        metadata:        personal, pseudonymise;
        created_at:      none;
    }

    /// A file. It belongs to the user who uploaded it.
    files.files: subject [user(created_by_id)], erasure [keep], closure [erased_by(files)] {
        tenant_id:       none;
        file_id:         none;
        created_by_kind: none;
        created_by_id:   personal;
        resource_type:   none;
        resource_id:     personal;
        internal:        none;
        category:        none;
        name:            personal, pseudonymise;
        original_name:   personal, pseudonymise;
        status:          none;
        failure:         none;
        size:            none;
        sha256:          none;
        mime_type:       none;
        object_key:      none;
        preview_widths:  none;
        revision_of:     none;
        revision:        none;
        superseded_at:   none;
        retention_until: none;
        attempts:        none;
        due_at:          none;
        deleted_at:      none;
        version:         none;
        created_at:      personal;
        updated_at:      none;
        previews_begun:  none;
    }

    /// The storage that a tenant uses.
    files.storage_usage: subject [], erasure [keep], closure [erased_by(files)] {
        tenant_id:      none;
        used_bytes:     none;
        reserved_bytes: none;
    }
}
