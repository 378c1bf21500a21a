//! The tables of this context.

db::tables! {
    /// A reminder about a certificate that expires.
    identity.certificate_notices: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:    none;
        user_id:      personal;
        skill:        personal;
        valid_until:  personal;
        announced_at: personal;
    }

    /// What an hour of a user's work costs.
    identity.hourly_rates: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:    none;
        user_id:      personal;
        currency:     none;
        valid_from:   personal;
        valid_to:     personal;
        amount_minor: sensitive;
    }

    /// A skill of a user, with its certificate.
    identity.expertise: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:               none;
        user_id:                 personal;
        skill:                   personal;
        level:                   personal;
        years:                   personal;
        certificate_name:        personal;
        certificate_valid_until: personal;
    }

    /// A sign-in with an external provider that is in progress.
    identity.oauth_flows: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:     none;
        oauth_flow_id: none;
        provider:      personal;
        user_id:       personal;
        linking:       none;
        issuer:        personal;
        subject:       personal;
        email:         personal;
        challenge:     secret;
        code_hash:     secret;
        expires_at:    none;
        redeemed_at:   personal;
        created_at:    personal;
    }

    /// An account at an external provider.
    identity.oauth_identities: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:         none;
        oauth_identity_id: none;
        user_id:           personal;
        provider:          personal;
        issuer:            personal;
        subject:           personal;
        email:             personal;
        created_at:        personal;
        unlinked_at:       personal;
    }

    /// What a passkey has to sign.
    identity.passkey_challenges: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:            none;
        passkey_challenge_id: none;
        user_id:              personal;
        secret_hash:          secret;
        expires_at:           none;
    }

    /// The public half of a passkey.
    identity.passkeys: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:     none;
        passkey_id:    none;
        user_id:       personal;
        rp_id:         none;
        credential_id: personal;
        public_key:    personal;
        sign_count:    personal;
        name:          personal;
        last_used_at:  personal;
        created_at:    personal;
    }

    /// A sign-in that waits for the second factor.
    identity.mfa_challenges: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:        none;
        mfa_challenge_id: none;
        user_id:          personal;
        secret_hash:      secret;
        amr:              personal;
        refresh_mode:     none;
        device_name:      personal;
        expires_at:       none;
        used_at:          personal;
        created_at:       personal;
    }

    /// A recovery code.
    identity.mfa_recovery_codes: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:  none;
        user_id:    personal;
        code_hash:  secret;
        used_at:    personal;
        created_at: personal;
    }

    /// An authenticator app.
    identity.mfa_totp: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:     none;
        user_id:       personal;
        secret_sealed: secret;
        last_step:     none;
        expires_at:    none;
        confirmed_at:  personal;
        created_at:    personal;
    }

    /// A one-time link.
    identity.one_time_tokens: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:         none;
        one_time_token_id: none;
        user_id:           personal;
        purpose:           personal;
        secret_hash:       secret;
        password_hash:     secret;
        expires_at:        none;
        used_at:           personal;
        created_at:        personal;
        email:             personal;
        binding:           none;
        binding_hash:      secret;
        failures:          none;
    }

    /// A signed-in device.
    identity.sessions: subject [user(user_id)], erasure [delete_row], closure [erased_by(identity)] {
        tenant_id:      none;
        session_id:     personal;
        user_id:        personal;
        generation:     none;
        refresh_hash:   secret;
        previous_hash:  secret;
        rotated_at:     personal;
        device_name:    personal;
        user_agent:     personal;
        address:        personal;
        expires_at:     none;
        revoked_at:     personal;
        revoked_reason: personal;
        created_at:     personal;
        device_hash:    personal;
    }

    /// A user. The row stays as long as others refer to it.
    identity.users: subject [user(user_id)], erasure [keep], closure [erased_by(identity)] {
        tenant_id:         none;
        user_id:           personal;
        role_id:           personal;
        email:             personal, pseudonymise;
        username:          personal, nullify;
        password_hash:     secret, nullify;
        given_name:        personal, pseudonymise;
        family_name:       personal, pseudonymise;
        display_name:      personal, pseudonymise;
        status:            none;
        locale:            personal, pseudonymise;
        time_zone:         personal, pseudonymise;
        phone:             personal, nullify;
        email_verified_at: personal, nullify;
        last_seen_at:      personal, nullify;
        version:           none;
        created_at:        personal;
        updated_at:        none;
    }

    /// The private half of a key that signs access tokens, encrypted.
    identity.signing_keys: subject [], erasure [keep], closure [not_tenant_data] {
        key_id:             none;
        private_key_sealed: secret;
        created_at:         none;
    }
}
