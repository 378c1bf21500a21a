output "address" {
  description = "Address for the DNS record of the domain."
  value       = module.edge.address
}

output "servers" {
  description = "SSH address of each server."
  value       = module.servers.public_addresses
}

output "data_address" {
  description = "Private address of PostgreSQL and RabbitMQ."
  value       = local.data_address
}

output "connections" {
  description = "The connection budget."
  value       = module.connections.budget
}

output "environment" {
  description = "Settings of each function, without secrets."
  value       = module.settings.values
}

output "open_ports" {
  description = "Open public ports of the servers."
  value       = module.network.open
}
