output "network" {
  description = "Id of the network."
  value       = google_compute_network.this.id
}

output "subnetwork" {
  description = "Id of the functions' part of it."
  value       = google_compute_subnetwork.functions.id
}

output "peering" {
  description = "Must be there before the database."
  value       = google_service_networking_connection.database.id
}

output "address_range" {
  description = "Name of the range that the database may take addresses from."
  value       = google_compute_global_address.database.name
}
