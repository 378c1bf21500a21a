output "jobs" {
  description = "Names of the scheduled calls."
  value       = [for job in google_cloud_scheduler_job.this : job.name]
}
