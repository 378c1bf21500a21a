output "network" {
  description = "Id of the network; there once a server can have an address in it."
  value       = tonumber(hcloud_network.this.id)

  depends_on = [hcloud_network_subnet.this]
}

output "subnet" {
  description = "Id of the part of it that servers are in."
  value       = hcloud_network_subnet.this.id
}

output "firewall" {
  description = "Id of the firewall."
  value       = tonumber(hcloud_firewall.this.id)
}

output "open" {
  description = "Ports of the public side that are open."
  value       = [for rule in hcloud_firewall.this.rule : rule.port]
}
