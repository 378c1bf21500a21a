//! The tables of the schema `access`, which every function may read.

db::tables! {
    /// A session, as every function checks it.
    access.sessions: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:   none;
        session_id:  personal;
        user_id:     personal;
        amr:         personal;
        created_at:  personal;
        expires_at:  none;
        revoked_at:  personal;
        proved_at:   personal;
        acting_kind: none;
        acting_id:   personal;
    }

    /// What every function may know about a user.
    access.people: subject [user(user_id)], erasure [keep], closure [erased_by(identity)] {
        tenant_id:     none;
        user_id:       personal;
        role_id:       personal;
        email:         personal, pseudonymise;
        display_name:  personal, pseudonymise;
        locale:        personal, pseudonymise;
        time_zone:     personal, pseudonymise;
        status:        none;
        updated_at:    none;
        second_factor: personal;
    }

    /// A role and its permissions.
    access.roles: subject [], erasure [keep], closure [erased_by(identity)] {
        tenant_id:   none;
        role_id:     none;
        name:        none;
        description: personal;
        base_role:   none;
        built_in:    none;
        permissions: none;
        version:     none;
        created_at:  none;
        updated_at:  none;
    }

    /// A web origin that may call the API (CORS).
    access.origins: subject [], erasure [keep], closure [erased_by(tenancy)] {
        tenant_id:  none;
        origin:     none;
        created_at: none;
    }

    /// An API key of the organisation.
    access.api_keys: subject [user(created_by_id)], erasure [keep], closure [erased_by(tenancy)] {
        tenant_id:            none;
        api_key_id:           none;
        name:                 personal;
        secret_hash:          secret;
        scopes:               none;
        ip_ranges:            none;
        expires_at:           none;
        last_used_at:         none;
        revoked_at:           none;
        created_by_kind:      none;
        created_by_id:        personal;
        version:              none;
        created_at:           none;
        updated_at:           none;
        previous_secret_hash: secret;
        previous_until:       none;
        requests_per_minute:  none;
        expiry_noticed_at:    none;
    }

    /// What is left of a row that was deleted for good.
    access.tombstones: subject [], erasure [keep], closure [erased_by(tenancy)] {
        tenant_id:  none;
        list:       none;
        id:         none;
        version:    none;
        deleted_at: none;
    }

    /// The stored response to a repeated request.
    access.idempotency_keys: subject [reference(principal)], erasure [delete_row], closure [erased_by(tenancy)] {
        tenant_id:       none;
        principal:       personal;
        method:          none;
        path:            personal;
        idempotency_key: none;
        fingerprint:     none;
        status:          none;
        location:        personal;
        etag:            none;
        body:            personal;
        created_at:      none;
    }

    /// An entry of the audit log, with personal data masked. The default period; a tenant may set another.
    access.audit_log: subject [user(actor_id)], erasure [keep_until("accountability, Art. 5 (2) GDPR", days 1095)],
        closure [kept("accountability; has its own retention period")] {
        tenant_id:      none;
        audit_entry_id: none;
        occurred_at:    personal;
        actor_kind:     none;
        actor_id:       personal;
        action:         personal;
        resource_kind:  none;
        resource_id:    personal;
        changes:        personal;
        reason:         personal;
        request_id:     none;
        address:        personal;
        sequence:       none;
        chain_hash:     none;
        chain_key:      none;
    }

    /// The use of a quota.
    access.quota_counters: subject [], erasure [keep], closure [kept("counts without personal data, the basis of invoices")] {
        tenant_id:  none;
        metric:     none;
        period:     none;
        used:       none;
        updated_at: none;
    }

    /// A metered use. The subject explains it on an invoice and is stated by the API's client.
    access.usage_events: subject [], erasure [keep], closure [kept("counts, the basis of invoices")] {
        tenant_id:   none;
        source:      none;
        source_id:   none;
        metric:      none;
        quantity:    none;
        occurred_at: none;
        subject:     personal;
        counted_at:  none;
    }

    /// A tenant, as every function needs it. Settings may contain email addresses of the organisation.
    access.tenants: subject [], erasure [keep], closure [kept("the slug stays reserved, with status closed")] {
        tenant_id:  none;
        slug:       none;
        name:       none;
        status:     none;
        features:   none;
        settings:   personal;
        limits:     none;
        max_users:  none;
        locale:     none;
        time_zone:  none;
        created_at: none;
        updated_at: none;
        upcoming:   none;
    }

    /// A permission of a built-in role.
    access.builtin_grants: subject [], erasure [keep], closure [not_tenant_data] {
        permission: none;
        base_role:  none;
        reach:      none;
    }

    /// The public half of a key that signs access tokens.
    access.signing_keys: subject [], erasure [keep], closure [not_tenant_data] {
        key_id:       none;
        public_key:   none;
        status:       none;
        created_at:   none;
        retired_at:   none;
        activated_at: none;
    }
}
