//! The tables of this context.

db::tables! {
    /// A setting of the organisation. Some contain email addresses.
    tenancy.settings: subject [], erasure [keep], closure [erased_by(tenancy)] {
        tenant_id:  none;
        key:        none;
        value:      personal;
        updated_at: none;
    }

    /// A feature flag.
    tenancy.feature_flags: subject [], erasure [keep], closure [erased_by(tenancy)] {
        tenant_id:    none;
        flag:         none;
        enabled:      none;
        rollout:      none;
        expires_at:   none;
        updated_at:   none;
        user_rollout: none;
        conditions:   none;
    }

    /// A domain of the organisation. Its proof is public.
    tenancy.tenant_domains: subject [], erasure [keep], closure [erased_by(tenancy)] {
        tenant_id:        none;
        tenant_domain_id: none;
        host:             none;
        proof:            none;
        method:           none;
        verified_at:      none;
        checked_at:       none;
        failing_since:    none;
        version:          none;
        created_at:       none;
        updated_at:       none;
    }

    /// The newest link of a tenant's audit chain.
    tenancy.audit_heads: subject [], erasure [keep], closure [kept("the head of the audit chain, which is kept")] {
        tenant_id:    none;
        sequence:     none;
        chain_hash:   none;
        caught_up_at: none;
        updated_at:   none;
    }

    /// A licence.
    tenancy.licenses: subject [], erasure [keep], closure [kept("commercial records, kept for years")] {
        tenant_id:     none;
        license_id:    none;
        plan:          none;
        seats:         none;
        limits:        none;
        valid_from:    none;
        valid_to:      none;
        created_at:    none;
        features:      none;
        soft:          none;
        superseded_at: none;
    }

    /// The organisation, with the address of its contact. Sole traders are persons.
    tenancy.tenants: subject [email(email)], erasure [keep], closure [kept("commercial records, kept for years")] {
        tenant_id:     none;
        slug:          none;
        name:          personal, keep_until("§ 147 AO, § 257 HGB", years 8);
        email:         personal, keep_until("§ 147 AO, § 257 HGB", years 8);
        domain:        none;
        status:        none;
        license_type:  none;
        region:        none;
        currency:      none;
        locale:        none;
        time_zone:     none;
        max_users:     none;
        version:       none;
        created_at:    none;
        updated_at:    none;
        status_since:  none;
        status_reason: personal, keep_until("§ 147 AO, § 257 HGB", years 8);
        closes_at:     none;
    }

    /// The use of a metric in a month.
    tenancy.usage_counters: subject [], erasure [keep], closure [kept("counts without personal data, the basis of invoices")] {
        tenant_id:  none;
        metric:     none;
        month:      none;
        used:       none;
        warned:     none;
        updated_at: none;
    }

    /// A setting for all tenants.
    tenancy.platform_settings: subject [], erasure [keep], closure [not_tenant_data] {
        key:        none;
        value:      personal;
        updated_at: none;
    }
}
