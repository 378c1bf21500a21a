output "bucket" {
  description = "Name of the bucket; there once its users may use it."
  value       = google_storage_bucket.objects.name
}
