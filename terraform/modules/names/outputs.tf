output "services" {
  description = "Service name of each function."
  value       = local.services

  precondition {
    condition     = length(local.clashes) == 0
    error_message = "A function must not have the name of a platform account: ${join(", ", local.clashes)}."
  }
}

output "accounts" {
  description = "Service account ids of the functions and of push, scheduler, build, migrate and smoke."
  value       = local.accounts

  precondition {
    condition     = length(local.long) == 0
    error_message = "Service account ids have at most 30 characters; shorten the prefix: ${join(", ", local.long)}."
  }
}
