output "functions" {
  description = "Every function by name: about, prefixes, root_paths, settings (their names), jobs (their names), listens."
  value       = local.functions

  precondition {
    condition     = length(local.strange) == 0
    error_message = "A function's name becomes a service, an account and a login: a letter, then letters and digits, at most 20. Not so: ${join(", ", local.strange)}."
  }
  precondition {
    condition     = length(local.nobody) == 0
    error_message = "Jobs or subscriptions belong to functions that the manifest does not list: ${join(", ", local.nobody)}."
  }
  precondition {
    condition     = length(local.paths) == length(distinct(local.paths))
    error_message = "Two functions claim the same path."
  }
  precondition {
    condition     = length(local.internal) == 0
    error_message = "Nothing internal may be reached through the load balancer: ${join(", ", local.internal)}."
  }
}

output "listeners" {
  description = "Names of the functions that listen to events."
  value       = toset([for name, function in local.functions : name if function.listens])
}

output "jobs" {
  description = "Every job as function/name: function, name, schedule (cron, UTC), about."
  value       = local.jobs
}

output "secret_settings" {
  description = "Names of the settings that come from where secrets are kept."
  value       = toset(local.secret_settings)
}
