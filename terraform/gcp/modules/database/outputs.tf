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
  description = "Server CA certificate, by which functions verify the database; public."
  value       = google_sql_database_instance.this.server_ca_cert[0].cert
}

output "public" {
  description = "Whether it is reachable from outside, accepts unencrypted connections, or can be deleted by a plan; all must be false."
  value = {
    address   = google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled
    plain     = google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode != "ENCRYPTED_ONLY"
    deletable = !google_sql_database_instance.this.deletion_protection
  }
}
