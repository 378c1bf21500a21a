output "address" {
  description = "What the DNS record has to say."
  value       = google_compute_global_address.this.address
}

output "paths" {
  description = "Function to the paths that lead to it."
  value       = local.paths
}
