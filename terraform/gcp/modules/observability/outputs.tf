output "alerts" {
  description = "Titles of the alerts."
  value       = concat([google_monitoring_alert_policy.down.display_name], [for policy in google_monitoring_alert_policy.threshold : policy.display_name])
}
