output "values" {
  description = "Settings of each function."
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
  description = "Secret settings of each function, with the name of the secret."
  value       = local.secrets
}
