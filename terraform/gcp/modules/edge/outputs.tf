output "address" {
  description = "Address for the DNS record."
  value       = google_compute_global_address.this.address
}

output "paths" {
  description = "Paths of each function."
  value       = local.paths
}
