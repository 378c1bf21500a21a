output "values" {
  description = "Function to setting to value."
  value       = local.values

  precondition {
    condition     = length(local.exposed) == 0
    error_message = "Secrets must not be plain values: ${join(", ", local.exposed)}."
  }
  precondition {
    condition     = length(local.unknown) == 0
    error_message = "No function reads ${join(", ", local.unknown)}: see infra/manifest.json."
  }
}

output "secrets" {
  description = "Function to setting to the name of the secret that holds it."
  value       = local.secrets
}
