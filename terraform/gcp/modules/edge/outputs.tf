output "address" {
  description = "What the DNS record has to say."
  value       = google_compute_global_address.this.address
}
