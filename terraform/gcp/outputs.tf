output "address" {
  description = "The DNS record of the domain has to say this."
  value       = module.edge.address
}

output "registry" {
  description = "Where images go."
  value       = module.delivery.registry
}

output "builds_bucket" {
  description = "Where `gcloud builds submit` puts the source."
  value       = module.delivery.builds_bucket
}

output "build_account" {
  description = "As whom builds run."
  value       = module.delivery.build_account
}

output "connections" {
  description = "The connection budget."
  value       = module.connections.budget
}

output "urls" {
  description = "Function to its address, as callers inside reach it."
  value       = local.urls
}

output "environment" {
  description = "Function to what it is told; secrets by name."
  value = {
    for function in keys(local.functions) : function => merge(module.settings.values[function], module.settings.secrets[function])
  }
}

output "secrets_environment" {
  description = "What infra/scripts/gcp-secrets.sh is told, as shell: eval \"$(terraform output -raw secrets_environment)\"."
  value       = join("", [for name, value in local.secrets_environment : "export ${name}='${value}'\n"])
}
