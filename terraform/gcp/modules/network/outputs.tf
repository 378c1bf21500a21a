output "network" {
  description = "Id of the network."
  value       = google_compute_network.this.id
}

output "subnetwork" {
  description = "Id of the functions' subnet."
  value       = google_compute_subnetwork.functions.id
}

output "peering" {
  description = "Dependency of the database."
  value       = google_service_networking_connection.database.id
}

output "address_range" {
  description = "Name of the address range of the database."
  value       = google_compute_global_address.database.name
}
