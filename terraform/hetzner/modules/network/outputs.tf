output "network" {
  description = "Id of the network, available once servers can have addresses in it."
  value       = tonumber(hcloud_network.this.id)

  depends_on = [hcloud_network_subnet.this]
}

output "subnet" {
  description = "Id of the servers' subnet."
  value       = hcloud_network_subnet.this.id
}

output "firewall" {
  description = "Id of the firewall."
  value       = tonumber(hcloud_firewall.this.id)
}

output "open" {
  description = "Open public ports."
  value       = [for rule in hcloud_firewall.this.rule : rule.port]
}
