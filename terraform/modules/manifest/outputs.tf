output "functions" {
  description = "Every function by name: about, prefixes, root_paths, settings (names), jobs (names), listens (whether it subscribes to events)."
  value       = local.functions

  precondition {
    condition     = length(local.strange) == 0
    error_message = "A function's name is used for a service, an account and a login: a letter, then letters and digits, at most 20 characters. Invalid: ${join(", ", local.strange)}."
  }
  precondition {
    condition     = length(local.nobody) == 0
    error_message = "Jobs or subscriptions of functions that are not in the manifest: ${join(", ", local.nobody)}."
  }
  precondition {
    condition     = length(local.paths) == length(distinct(local.paths))
    error_message = "Two functions claim the same path."
  }
  precondition {
    condition     = length(local.internal) == 0
    error_message = "Internal paths must not be routed by the load balancer: ${join(", ", local.internal)}."
  }
}

output "listeners" {
  description = "Names of the functions that subscribe to events."
  value       = toset([for name, function in local.functions : name if function.listens])
}

output "jobs" {
  description = "Every job as function/name: function, name, schedule (cron, UTC), about."
  value       = local.jobs
}

output "secret_settings" {
  description = "Names of the settings that are secrets."
  value       = toset(local.secret_settings)
}
