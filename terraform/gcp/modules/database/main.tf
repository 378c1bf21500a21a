# One PostgreSQL, reachable only from the private network and only encrypted. The only user created by the cloud is the administrator
# `postgres`; the migration job creates the functions' logins with SQL, because a login created through Cloud SQL's API could
# grant itself the role that owns the tables and read every tenant.

resource "google_sql_database_instance" "this" {
  name                = var.name
  region              = var.region
  database_version    = "POSTGRES_15"
  deletion_protection = true

  settings {
    tier                        = var.tier
    edition                     = "ENTERPRISE"
    availability_type           = var.highly_available ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.disk_gb
    disk_autoresize             = true
    disk_autoresize_limit       = var.disk_limit_gb
    deletion_protection_enabled = true

    ip_configuration {
      ipv4_enabled       = false
      private_network    = var.network
      ssl_mode           = "ENCRYPTED_ONLY"
      allocated_ip_range = var.address_range
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
      # Night in Germany; UTC.
      start_time                     = "01:00"
      location                       = var.backup_location
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = var.retained_backups
        retention_unit   = "COUNT"
      }
    }

    final_backup_config {
      enabled        = true
      retention_days = 30
    }

    maintenance_window {
      # Sunday, UTC.
      day          = 7
      hour         = 2
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      query_string_length     = 1024
      record_application_tags = false
      # Do not record client addresses; the client is always a function anyway.
      record_client_address = false
    }

    dynamic "database_flags" {
      for_each = local.flags

      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    prevent_destroy = true

    precondition {
      condition     = var.peering != ""
      error_message = "The network must be peered with Google's network first."
    }
  }
}

locals {
  flags = {
    max_connections = tostring(var.max_connections)
    # Log connections but no statements, however slow: they contain user data or the
    # password of a login. Query Insights has slow statements without values.
    log_connections            = "on"
    log_disconnections         = "on"
    log_checkpoints            = "on"
    log_lock_waits             = "on"
    log_hostname               = "off"
    log_statement              = "none"
    log_min_error_statement    = "error"
    log_min_messages           = "warning"
    log_min_duration_statement = "-1"
    "cloudsql.enable_pgaudit"  = "on"
    # Schema changes, but not role changes, whose statements contain passwords.
    "pgaudit.log" = "ddl"
    # Functions set these themselves; defaults for other clients.
    idle_in_transaction_session_timeout = "60000"
  }
}

resource "google_sql_database" "this" {
  name     = var.database
  instance = google_sql_database_instance.this.name
  charset  = "UTF8"
  # A plan must never drop the database.
  deletion_policy = "ABANDON"
}
