# One PostgreSQL, reachable only from the private network and only encrypted. Its one cloud-made user is the administrator
# `postgres`; the functions' logins are made by SQL in the migrate job, because a login that Cloud SQL's interface makes may
# grant itself the owner of the tables and read every tenant.

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
      # At night here; UTC.
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
      # Addresses of people do not belong there; the client is always a function anyway.
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
      error_message = "The network has to be joined with Google's first."
    }
  }
}

locals {
  flags = {
    max_connections = tostring(var.max_connections)
    # Who connects and leaves is told; statements are not, however slow: they come with what people wrote, or with the
    # password of a login. Query Insights has the slow ones without.
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
    # Changes of tables; not of roles, whose statements hold passwords.
    "pgaudit.log" = "ddl"
    # What the functions set for themselves; here for whoever forgets it.
    idle_in_transaction_session_timeout = "60000"
  }
}

resource "google_sql_database" "this" {
  name     = var.database
  instance = google_sql_database_instance.this.name
  charset  = "UTF8"
  # Dropping the database is never part of a plan.
  deletion_policy = "ABANDON"
}
