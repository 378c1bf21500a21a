output "registry" {
  description = "Image repository: host/project/repository."
  value       = "${google_artifact_registry_repository.images.location}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "build_account" {
  description = "Address of the pipeline's account."
  value       = google_service_account.build.email
}

output "migrate_account" {
  description = "Address of the migration job's account."
  value       = google_service_account.migrate.email
}

output "builds_bucket" {
  description = "Bucket for build sources."
  value       = google_storage_bucket.builds.name
}
