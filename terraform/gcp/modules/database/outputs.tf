output "instance" {
  description = "Name of the instance."
  value       = google_sql_database_instance.this.name
}

output "address" {
  description = "Private address."
  value       = google_sql_database_instance.this.private_ip_address
}

output "database" {
  description = "Name of the database."
  value       = google_sql_database.this.name
}

output "ca_certificate" {
  description = "By which functions know that it is this database; public."
  value       = google_sql_database_instance.this.server_ca_cert[0].cert
}

output "public" {
  description = "Whether it could be reached from outside, unencrypted, or deleted by a plan: what must never be so."
  value = {
    address   = google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled
    plain     = google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode != "ENCRYPTED_ONLY"
    deletable = !google_sql_database_instance.this.deletion_protection
  }
}
