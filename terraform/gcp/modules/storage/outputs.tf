output "bucket" {
  description = "Name of the bucket; there once its users may use it."
  value       = google_storage_bucket.objects.name
}

output "users" {
  description = "Functions that may use it."
  value       = keys(google_storage_bucket_iam_member.user)
}
