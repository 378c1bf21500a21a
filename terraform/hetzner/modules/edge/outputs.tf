output "address" {
  description = "Address for the DNS record."
  value       = hcloud_load_balancer.this.ipv4
}
