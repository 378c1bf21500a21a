output "services" {
  description = "Function to the name of its service."
  value       = local.services

  precondition {
    condition     = length(local.clashes) == 0
    error_message = "A function must not be called like an account of the platform: ${join(", ", local.clashes)}."
  }
}

output "accounts" {
  description = "Function, push, scheduler, build, migrate or smoke to the id of its service account."
  value       = local.accounts

  precondition {
    condition     = length(local.long) == 0
    error_message = "Ids of service accounts have at most 30 letters; shorten the prefix: ${join(", ", local.long)}."
  }
}
