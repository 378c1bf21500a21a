output "address" {
  description = "Address for the DNS record of the domain."
  value       = module.edge.address
}

output "registry" {
  description = "Image repository."
  value       = module.delivery.registry
}

output "builds_bucket" {
  description = "Bucket for the sources of `gcloud builds submit`."
  value       = module.delivery.builds_bucket
}

output "build_account" {
  description = "Service account of builds."
  value       = module.delivery.build_account
}

output "connections" {
  description = "The connection budget."
  value       = module.connections.budget
}

output "urls" {
  description = "Internal address of each function."
  value       = local.urls
}

output "environment" {
  description = "Settings of each function; secrets by name."
  value = {
    for function in keys(local.functions) : function => merge(module.settings.values[function], module.settings.secrets[function])
  }
}

output "secrets_environment" {
  description = "Environment for infra/scripts/gcp-secrets.sh, as shell: eval \"$(terraform output -raw secrets_environment)\"."
  value       = join("", [for name, value in local.secrets_environment : "export ${name}='${value}'\n"])
}
