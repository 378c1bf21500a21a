output "address" {
  description = "The DNS record of the domain has to say this."
  value       = module.edge.address
}

output "servers" {
  description = "Name to the address for SSH."
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
  description = "Function to what it is told, but for secrets."
  value       = module.settings.values
}

output "open_ports" {
  description = "Ports of the servers' public side that are open to somebody."
  value       = module.network.open
}
