output "address" {
  description = "What the DNS record has to say."
  value       = hcloud_load_balancer.this.ipv4
}
